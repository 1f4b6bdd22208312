//! Words between the processes that use one PostgreSQL: heard at once or not at all. Nothing may depend on them; they
//! only spare others the time until they look by themselves.

use sqlx::postgres::PgListener;

use crate::Error;

/// What other processes say.
pub struct Hints {
    listener: PgListener,
}

impl Hints {
    pub(crate) fn new(listener: PgListener) -> Self {
        Self { listener }
    }

    /// The next word.
    ///
    /// # Errors
    /// Where the connection is lost; the next call makes a new one.
    pub async fn next(&mut self) -> Result<String, Error> {
        Ok(self.listener.recv().await?.payload().to_owned())
    }
}
