//! A unit of work on its way to the SQLite writer: what to run, and where its answer goes.

use futures::future::BoxFuture;
use tokio::sync::oneshot;

use crate::{Error, Tx};

/// A unit of work whose type of answer is forgotten.
pub(crate) trait Unit: Send {
    /// Runs the unit inside a transaction that somebody else begins and ends.
    fn run<'t>(self: Box<Self>, tx: &'t mut Tx<'_>) -> BoxFuture<'t, Finished>;
    /// Whether its commit is on the disk before it is answered.
    fn is_flushed(&self) -> bool;
    /// Answers without having run.
    fn refuse(self: Box<Self>, error: Error);
}

/// What a unit came to, and how to tell its caller.
pub(crate) struct Finished {
    /// Whether its writes are to be kept.
    pub(crate) verdict: Result<(), Error>,
    /// Tells the caller: with the unit's own answer, or with the error that kept it from being committed.
    pub(crate) answer: Box<dyn FnOnce(Result<(), Error>) + Send>,
}

/// A closure and the place where somebody waits for its answer.
pub(crate) struct Work<F, T> {
    pub(crate) work: F,
    pub(crate) is_flushed: bool,
    pub(crate) reply: oneshot::Sender<Result<T, Error>>,
}

impl<T, F> Unit for Work<F, T>
where
    F: for<'t> FnOnce(&'t mut Tx<'_>) -> BoxFuture<'t, Result<T, Error>> + Send + 'static,
    T: Send + 'static,
{
    fn run<'t>(self: Box<Self>, tx: &'t mut Tx<'_>) -> BoxFuture<'t, Finished> {
        Box::pin(async move {
            let Self { work, reply, .. } = *self;
            let result = settle(work(tx).await, tx);
            let verdict = result.as_ref().map(|_| ()).map_err(Error::clone);
            let answer = Box::new(move |committed: Result<(), Error>| {
                // Whoever asked may have stopped waiting; the unit is whole all the same.
                let _ = reply.send(committed.and(result));
            });
            Finished { verdict, answer }
        })
    }

    fn is_flushed(&self) -> bool {
        self.is_flushed
    }

    fn refuse(self: Box<Self>, error: Error) {
        let _ = self.reply.send(Err(error));
    }
}

/// The result of a unit: what it returned, unless it says it went well although a statement failed.
pub(crate) fn settle<T>(returned: Result<T, Error>, tx: &mut Tx<'_>) -> Result<T, Error> {
    match tx.take_failure() {
        Some(failure) => returned.and(Err(failure)),
        None => returned,
    }
}
