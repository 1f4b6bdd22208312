// A link that its page marks as the place where one is. The router's own mark goes by the beginning of the address,
// which is not enough where one place's address is the beginning of another's.
import { createLink } from "@tanstack/react-router";
import type { AnchorHTMLAttributes, Ref } from "react";

type Props = AnchorHTMLAttributes<HTMLAnchorElement> & { here: boolean; ref?: Ref<HTMLAnchorElement> };

export const Here = createLink(({ here, ...anchor }: Props) => <a {...anchor} aria-current={here ? "page" : undefined} />);
