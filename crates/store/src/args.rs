//! The values that go into a statement: the four types that both engines share, each of them nullable.

use std::borrow::Cow;

use pilothouse_domain::{
    ApprovalId, ChargeId, ConnectionId, DelegationId, FeedbackId, LimitId, RunId, ScheduleId, TenantId, TokenId,
};

/// One value for a placeholder. A null keeps its type, because PostgreSQL asks for it.
#[derive(Debug, Clone)]
pub(crate) enum Arg<'a> {
    Int(Option<i64>),
    Text(Option<Cow<'a, str>>),
    Bytes(Option<Cow<'a, [u8]>>),
    /// The sixteen bytes of a run's id; other ids are texts.
    Run(Option<RunId>),
}

impl Arg<'_> {
    /// The whole number, or null.
    pub(crate) fn int(&self) -> Option<i64> {
        if let Self::Int(value) = self { *value } else { None }
    }

    /// The text, or null.
    pub(crate) fn text(&self) -> Option<&str> {
        if let Self::Text(value) = self { value.as_deref() } else { None }
    }

    /// The bytes, or null.
    pub(crate) fn bytes(&self) -> Option<&[u8]> {
        if let Self::Bytes(value) = self { value.as_deref() } else { None }
    }

    /// The run, or null.
    pub(crate) fn run(&self) -> Option<RunId> {
        if let Self::Run(value) = self { *value } else { None }
    }
}

/// `args![a, b]`: the values of `$1`, `$2` … as an array of [`Arg`].
macro_rules! args {
    ($($value:expr),* $(,)?) => { [$($crate::Arg::from($value)),*] };
}
pub(crate) use args;

macro_rules! arg_from {
    ($($from:ty => $variant:ident, $value:ident -> $to:expr;)*) => {
        $(
            impl<'a> From<$from> for Arg<'a> {
                fn from($value: $from) -> Self {
                    Self::$variant(Some($to))
                }
            }
            impl<'a> From<Option<$from>> for Arg<'a> {
                fn from(value: Option<$from>) -> Self {
                    Self::$variant(value.map(|$value| $to))
                }
            }
        )*
    };
}

arg_from! {
    i64 => Int, value -> value;
    u32 => Int, value -> i64::from(value);
    bool => Int, value -> i64::from(value);
    &'a str => Text, value -> value.into();
    &'a String => Text, value -> value.into();
    String => Text, value -> value.into();
    &'a TenantId => Text, value -> value.as_str().into();
    RunId => Run, value -> value;
    ApprovalId => Text, value -> value.to_string().into();
    ScheduleId => Text, value -> value.to_string().into();
    ConnectionId => Text, value -> value.to_string().into();
    ChargeId => Text, value -> value.to_string().into();
    LimitId => Text, value -> value.to_string().into();
    DelegationId => Text, value -> value.to_string().into();
    FeedbackId => Text, value -> value.to_string().into();
    TokenId => Text, value -> value.to_string().into();
    &'a [u8] => Bytes, value -> value.into();
    &'a [u8; 32] => Bytes, value -> value.as_slice().into();
    [u8; 32] => Bytes, value -> value.to_vec().into();
}

/// The values of two lists, one after the other.
pub(crate) fn joined<'a, const A: usize, const B: usize, const N: usize>(
    one: [Arg<'a>; A],
    other: [Arg<'a>; B],
) -> [Arg<'a>; N] {
    const { assert!(A + B == N, "all values have their place") }
    let mut all = one.into_iter().chain(other);
    std::array::from_fn(|_| all.next().unwrap_or(Arg::Int(None)))
}
