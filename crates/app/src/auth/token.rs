//! API tokens: `ph_<public id>_<secret><checksum>`. The checksum lets scanners and typing errors be told from real
//! tokens without a database; only the SHA-256 of the whole token is stored.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use pilothouse_domain::canonical::sha256;
use pilothouse_domain::clock::SECOND;
use pilothouse_domain::{Code, Ids, Micros, TokenId};
use pilothouse_store::tokens;
use subtle::ConstantTimeEq;

use super::{Identity, Reach};
use crate::{App, Error};

/// Characters of the public id, the secret and the checksum.
const PUBLIC_CHARS: usize = 12;
const SECRET_CHARS: usize = 40;
const CHECKSUM_CHARS: usize = 6;
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// How often the time of last use is written, at most.
const LAST_USED_EVERY: Micros = 60 * SECOND;
/// Tokens whose last use is remembered between writes.
const MAX_REMEMBERED: usize = 10_000;

/// A new token, shown once.
pub struct Minted {
    /// The whole token.
    pub text: String,
    /// The part by which it is found.
    pub public_id: String,
    /// What is stored of it.
    pub hash: [u8; 32],
}

/// Makes a new token.
pub fn mint(ids: &dyn Ids) -> Minted {
    let public_id = random_text(ids, PUBLIC_CHARS);
    let body = format!("ph_{public_id}_{}", random_text(ids, SECRET_CHARS));
    let text = format!("{body}{}", checksum(&body));
    let hash = sha256(text.as_bytes());
    Minted { text, public_id, hash }
}

fn random_text(ids: &dyn Ids, chars: usize) -> String {
    let mut text = String::with_capacity(chars);
    let mut bytes = [0; 64];
    while text.len() < chars {
        ids.secret(&mut bytes);
        // Bytes past the last whole multiple of 62 are left out, so that every character is equally likely.
        let usable = bytes.iter().filter(|byte| **byte < 248).map(|byte| ALPHABET[usize::from(*byte % 62)] as char);
        text.extend(usable.take(chars - text.len()));
    }
    text
}

fn checksum(body: &str) -> String {
    let mut rest = crc32fast::hash(body.as_bytes());
    let mut text = [b'0'; CHECKSUM_CHARS];
    for place in text.iter_mut().rev() {
        *place = ALPHABET[(rest % 62) as usize];
        rest /= 62;
    }
    text.iter().map(|byte| *byte as char).collect()
}

/// The public id of a text that has the form and checksum of a token.
fn public_id(text: &str) -> Option<&str> {
    let (public_id, secret) = text.strip_prefix("ph_")?.split_once('_')?;
    let well_formed = public_id.len() == PUBLIC_CHARS
        && secret.len() == SECRET_CHARS + CHECKSUM_CHARS
        && text.bytes().all(|byte| byte == b'_' || byte.is_ascii_alphanumeric());
    let (body, sum) = text.split_at_checked(text.len().checked_sub(CHECKSUM_CHARS)?)?;
    (well_formed && checksum(body) == sum).then_some(public_id)
}

/// Who the token `text` belongs to.
///
/// # Errors
/// `auth.invalid` where it is unknown, expired or revoked; which of these is not told.
pub async fn authenticate(app: &App, text: &str) -> Result<Identity, Error> {
    let invalid = || Error::new(Code::AuthInvalid, "The token is not valid, or not any more.");
    let public_id = public_id(text).ok_or_else(invalid)?.to_owned();
    let found = app.store.read(move |tx| Box::pin(async move { tokens::by_public_id(tx, &public_id).await })).await?;
    let token = found.ok_or_else(invalid)?;
    let matches: bool = sha256(text.as_bytes()).ct_eq(&token.secret_hash).into();
    let now = app.clock.now();
    if !matches || !is_live(&token, now) {
        return Err(invalid());
    }
    if app.last_used.is_due(token.id, now) {
        let (tenant, id) = (token.tenant.clone(), token.id);
        let noted = app.store.write(move |tx| Box::pin(async move { tokens::touch(tx, &tenant, id, now).await })).await;
        if let Err(error) = noted {
            tracing::warn!("a token's last use could not be noted: {error}");
        }
    }
    Ok(Identity { subject: token.subject, role: token.role, reach: Reach::Tenant(token.tenant), token: Some(token.id) })
}

/// Whether a token is neither revoked nor expired.
pub fn is_live(token: &tokens::Token, now: Micros) -> bool {
    token.revoked_at.is_none() && token.expires_at.is_none_or(|at| now < at)
}

/// When each token was last noted as used, so that not every request writes.
#[derive(Default)]
pub struct LastUsed {
    noted: Mutex<HashMap<TokenId, Micros>>,
}

impl LastUsed {
    fn is_due(&self, token: TokenId, now: Micros) -> bool {
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.len() >= MAX_REMEMBERED {
            noted.clear();
        }
        let due = noted.get(&token).is_none_or(|at| now - at >= LAST_USED_EVERY);
        if due {
            noted.insert(token, now);
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SystemIds;
    use proptest::prelude::*;

    #[test]
    fn a_minted_token_has_the_form_of_one() {
        let minted = mint(&SystemIds);
        assert_eq!(public_id(&minted.text), Some(minted.public_id.as_str()));
        assert_ne!(mint(&SystemIds).text, minted.text);
    }

    proptest! {
        #[test]
        fn one_wrong_character_is_seen_without_a_database(place in 3_usize..58, with in "[0-9A-Za-z]") {
            let minted = mint(&SystemIds);
            let mut text = minted.text.clone();
            text.replace_range(place..=place, &with);
            prop_assert_eq!(public_id(&text).is_some(), text == minted.text);
        }

        #[test]
        fn any_text_is_taken_without_panic(text in ".{0,100}") {
            prop_assert_eq!(public_id(&text), None);
        }
    }
}
