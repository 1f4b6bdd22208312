//! What a request carries: bytes at hand, or a source of known length that is read while it is sent, so that a large
//! file never stands in memory.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::io::{AsyncRead, ReadBuf};

/// Bytes read at once from a source.
const CHUNK: usize = 1 << 18;

/// The body of a request.
pub struct Body(Kind);

enum Kind {
    Whole(Bytes),
    Read { source: Box<dyn AsyncRead + Send + Sync + Unpin>, left: u64, told: Box<dyn FnMut(u64) + Send + Sync> },
}

impl Body {
    /// The next `length` bytes of `source`; `told` hears how many were read each time. A source that ends earlier
    /// breaks the request off.
    pub fn read(
        source: impl AsyncRead + Send + Sync + Unpin + 'static,
        length: u64,
        told: impl FnMut(u64) + Send + Sync + 'static,
    ) -> Self {
        Self(Kind::Read { source: Box::new(source), left: length, told: Box::new(told) })
    }

    /// The bytes, where they are at hand: only such a body can be sent twice.
    pub fn whole(&self) -> Option<Bytes> {
        match &self.0 {
            Kind::Whole(bytes) => Some(bytes.clone()),
            Kind::Read { .. } => None,
        }
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self(Kind::Whole(bytes))
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match &mut self.get_mut().0 {
            Kind::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Kind::Whole(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Kind::Read { left: 0, .. } => Poll::Ready(None),
            Kind::Read { source, left, told } => {
                let wanted = usize::try_from(*left).map_or(CHUNK, |left| left.min(CHUNK));
                let mut chunk = vec![0; wanted];
                let mut buffer = ReadBuf::new(&mut chunk);
                if let Err(error) = ready!(Pin::new(source).poll_read(cx, &mut buffer)) {
                    return Poll::Ready(Some(Err(error)));
                }
                let read = buffer.filled().len();
                if read == 0 {
                    return Poll::Ready(Some(Err(io::ErrorKind::UnexpectedEof.into())));
                }
                chunk.truncate(read);
                *left -= read as u64;
                told(read as u64);
                Poll::Ready(Some(Ok(Frame::data(chunk.into()))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.size_hint().exact() == Some(0)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(match &self.0 {
            Kind::Whole(bytes) => bytes.len() as u64,
            Kind::Read { left, .. } => *left,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;

    #[tokio::test]
    async fn a_source_is_read_to_its_length_and_no_further() {
        let text: Vec<u8> = (0..CHUNK + 10).map(|n| n as u8).collect();
        let told = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(0));
        let heard = told.clone();
        let count = move |bytes| {
            heard.fetch_add(bytes, std::sync::atomic::Ordering::Relaxed);
        };
        let body = Body::read(io::Cursor::new(text.clone()), CHUNK as u64 + 4, count);
        assert_eq!((body.size_hint().exact(), body.whole()), (Some(CHUNK as u64 + 4), None));
        assert_eq!(body.collect().await.unwrap().to_bytes(), text[..CHUNK + 4]);
        assert_eq!(told.load(std::sync::atomic::Ordering::Relaxed), CHUNK as u64 + 4);
    }

    #[tokio::test]
    async fn a_source_that_ends_early_is_an_error() {
        let body = Body::read(io::Cursor::new(b"abc"), 4, |_| ());
        assert_eq!(body.collect().await.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }
}
