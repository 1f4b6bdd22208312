//! The way back to the program: rows as an Arrow IPC stream, then the reply.

use std::io;
use std::os::unix::net::UnixStream;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use datafusion::arrow::datatypes::{DataType, Schema};
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::ipc::writer::StreamWriter;
use pilothouse_domain::Code;

use crate::Error;
use crate::embedded::wire::{Fault, Frame, Kind, Reply};

/// Where answers go.
pub struct Out(UnixStream);

impl Out {
    /// Answers over `socket`.
    pub fn new(socket: UnixStream) -> Self {
        Self(socket)
    }

    /// Begins a result with these columns.
    pub fn rows(&mut self, schema: &Schema) -> Result<Rows<'_>, Error> {
        let stream = StreamWriter::try_new(Vec::new(), schema).map_err(unsent)?;
        Ok(Rows { socket: &mut self.0, stream, sent: 0 })
    }

    /// Ends an answer.
    ///
    /// # Errors
    /// Where the program has gone.
    pub fn reply(&mut self, answer: &Result<Reply, Fault>) -> io::Result<()> {
        Frame::json(Kind::Reply, answer)?.write(&mut self.0)
    }
}

/// A result on its way.
pub struct Rows<'a> {
    socket: &'a mut UnixStream,
    stream: StreamWriter<Vec<u8>>,
    /// Bytes sent so far.
    pub sent: usize,
}

impl Rows<'_> {
    /// Sends the rows of `batch`.
    pub fn send(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        let columns = batch.columns().iter().map(compact).collect();
        let batch = RecordBatch::try_new(batch.schema(), columns).map_err(unsent)?;
        self.stream.write(&batch).map_err(unsent)?;
        self.flush()
    }

    /// Ends the rows.
    pub fn end(&mut self) -> Result<(), Error> {
        self.stream.finish().map_err(unsent)?;
        self.flush()
    }

    fn flush(&mut self) -> Result<(), Error> {
        let body = std::mem::take(self.stream.get_mut());
        self.sent += body.len();
        Frame { kind: Kind::Rows, body }.write(self.socket).map_err(|error| unsent(error.into()))
    }
}

/// A column without the texts that its rows do not show: a slice of a column of views keeps all of them otherwise.
fn compact(column: &ArrayRef) -> ArrayRef {
    match column.data_type() {
        DataType::Utf8View => std::sync::Arc::new(column.as_string_view().gc()),
        DataType::BinaryView => std::sync::Arc::new(column.as_binary_view().gc()),
        _ => column.clone(),
    }
}

fn unsent(error: ArrowError) -> Error {
    tracing::debug!("a result could not be sent: {error}");
    Error::new(Code::QueryFailed, "The result could not be handed over.")
}
