//! The only store that a connection's engine knows: the files that discovery found, as they were then, read-only.
//!
//! The engine lists and looks up here, not on the disk or over the network. So a link, a hidden file or another
//! tenant's bucket is out of its reach, planning a query costs no requests, and a file that has changed since is
//! refused instead of being read with what is known of the old one.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use datafusion::error::Result as EngineResult;
use datafusion::execution::object_store::ObjectStoreRegistry;
use futures::StreamExt;
use futures::stream::BoxStream;
use object_store::path::Path;
use object_store::{
    Attributes, CopyOptions, Error, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload,
    OBJECT_STORE_COALESCE_DEFAULT, ObjectMeta, ObjectStore, ObjectStoreExt, PutMultipartOptions, PutOptions,
    PutPayload, PutResult, Result, coalesce_ranges,
};
use url::Url;

use crate::embedded::listing::tag;

/// The files of one connection.
#[derive(Debug)]
pub struct View {
    store: Arc<dyn ObjectStore>,
    files: BTreeMap<Path, ObjectMeta>,
    /// What was read without a look at its version.
    unverified: Mutex<BTreeSet<Path>>,
}

impl View {
    /// A view of `files`, which `store` reads.
    pub fn new(store: Arc<dyn ObjectStore>, files: impl IntoIterator<Item = ObjectMeta>) -> Self {
        let unverified = Mutex::default();
        Self { store, unverified, files: files.into_iter().map(|meta| (meta.location.clone(), meta)).collect() }
    }

    /// Whether what was read since the last look is what was listed.
    pub async fn verify(&self) -> Result<()> {
        let read = std::mem::take(&mut *self.unverified());
        for path in read {
            if !is_same(self.known(&path)?, &self.store.head(&path).await?) {
                return Err(changed(&path));
            }
        }
        Ok(())
    }

    fn unverified(&self) -> MutexGuard<'_, BTreeSet<Path>> {
        self.unverified.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn known(&self, path: &Path) -> Result<&ObjectMeta> {
        let unknown = || Error::NotFound { path: path.to_string(), source: "the connection has no such file".into() };
        self.files.get(path).ok_or_else(unknown)
    }
}

/// Whether the file that was found is the one that was listed.
fn is_same(listed: &ObjectMeta, found: &ObjectMeta) -> bool {
    let tagged = listed.e_tag.is_some() && found.e_tag.is_some();
    let version = if tagged { tag(listed) == tag(found) } else { listed.last_modified == found.last_modified };
    version && listed.size == found.size
}

impl fmt::Display for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection's files")
    }
}

fn changed(path: &Path) -> Error {
    Error::Precondition { path: path.to_string(), source: "the file has changed".into() }
}

fn read_only<T>() -> Result<T> {
    Err(Error::NotSupported { source: "connections are read-only".into() })
}

#[async_trait]
impl ObjectStore for View {
    async fn get_opts(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        let listed = self.known(path)?;
        if options.head {
            let payload = GetResultPayload::Stream(futures::stream::empty().boxed());
            return Ok(GetResult { payload, meta: listed.clone(), range: 0..0, attributes: Attributes::default() });
        }
        let found = self.store.get_opts(path, options).await?;
        if is_same(listed, &found.meta) { Ok(found) } else { Err(changed(path)) }
    }

    /// Several parts of a file. A bucket says with each part which version it is of; this machine's files are opened once
    /// for all of them, and looked at when the query has ended.
    async fn get_ranges(&self, path: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let listed = self.known(path)?;
        if listed.e_tag.is_some() {
            return coalesce_ranges(ranges, |range| self.get_range(path, range), OBJECT_STORE_COALESCE_DEFAULT).await;
        }
        let parts = self.store.get_ranges(path, ranges).await?;
        self.unverified().insert(path.clone());
        Ok(parts)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let wanted = |meta: &&ObjectMeta| prefix.is_none_or(|prefix| meta.location.prefix_matches(prefix));
        let found: Vec<_> = self.files.values().filter(wanted).cloned().map(Ok).collect();
        futures::stream::iter(found).boxed()
    }

    async fn list_with_delimiter(&self, _: Option<&Path>) -> Result<ListResult> {
        Err(Error::NotSupported { source: "tables are made of listed files".into() })
    }

    async fn put_opts(&self, _: &Path, _: PutPayload, _: PutOptions) -> Result<PutResult> {
        read_only()
    }

    async fn put_multipart_opts(&self, _: &Path, _: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        read_only()
    }

    fn delete_stream(&self, _: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        futures::stream::once(async { read_only() }).boxed()
    }

    async fn copy_opts(&self, _: &Path, _: &Path, _: CopyOptions) -> Result<()> {
        read_only()
    }
}

/// A registry with one store in it, whatever the URL: two connections cannot meet in it, and the machine's file system
/// is not in it either.
#[derive(Debug)]
pub struct Only(pub Arc<View>);

impl ObjectStoreRegistry for Only {
    fn register_store(&self, _: &Url, _: Arc<dyn ObjectStore>) -> Option<Arc<dyn ObjectStore>> {
        None
    }

    fn get_store(&self, _: &Url) -> EngineResult<Arc<dyn ObjectStore>> {
        Ok(self.0.clone())
    }
}
