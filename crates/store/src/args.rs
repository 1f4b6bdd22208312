//! The values that go into a statement: the three types that both engines share, each of them nullable.

use pilothouse_domain::{ConnectionId, RunId, ScheduleId, TenantId, TokenId};

/// One value for a placeholder. A null keeps its type, because PostgreSQL asks for it.
#[derive(Debug, Clone)]
pub(crate) enum Arg {
    Int(Option<i64>),
    Text(Option<String>),
    Bytes(Option<Vec<u8>>),
}

impl Arg {
    /// The whole number, or null.
    pub(crate) fn int(self) -> Option<i64> {
        if let Self::Int(value) = self { value } else { None }
    }

    /// The text, or null.
    pub(crate) fn text(self) -> Option<String> {
        if let Self::Text(value) = self { value } else { None }
    }

    /// The bytes, or null.
    pub(crate) fn bytes(self) -> Option<Vec<u8>> {
        if let Self::Bytes(value) = self { value } else { None }
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
            impl From<$from> for Arg {
                fn from($value: $from) -> Self {
                    Self::$variant(Some($to))
                }
            }
            impl From<Option<$from>> for Arg {
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
    &str => Text, value -> value.to_owned();
    &String => Text, value -> value.clone();
    String => Text, value -> value;
    &TenantId => Text, value -> value.as_str().to_owned();
    RunId => Text, value -> value.to_string();
    ScheduleId => Text, value -> value.to_string();
    ConnectionId => Text, value -> value.to_string();
    TokenId => Text, value -> value.to_string();
    &[u8] => Bytes, value -> value.to_vec();
    &[u8; 32] => Bytes, value -> value.to_vec();
}
