//! Words between the processes that use one PostgreSQL: heard at once or not at all. Nothing may depend on them; they
//! only spare others the time until they look by themselves.

use futures::stream::{BoxStream, Stream, StreamExt as _, unfold};
use sqlx::postgres::PgListener;

use crate::Error;

/// What other processes say.
pub struct Hints(BoxStream<'static, Result<String, Error>>);

impl Hints {
    /// These words, however they come.
    pub fn of(words: impl Stream<Item = Result<String, Error>> + Send + 'static) -> Self {
        Self(words.boxed())
    }

    pub(crate) fn heard_by(listener: PgListener) -> Self {
        Self::of(unfold(listener, |mut listener| async {
            let word = listener.recv().await.map(|heard| heard.payload().to_owned());
            Some((word.map_err(Error::from), listener))
        }))
    }

    /// The next word.
    ///
    /// # Errors
    /// Where the connection is lost; the next call makes a new one, if there can be one.
    pub async fn next(&mut self) -> Result<String, Error> {
        self.0.next().await.unwrap_or_else(|| Err(Error::Unavailable("nobody says anything any more".into())))
    }
}
