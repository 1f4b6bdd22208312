//! The way out for object stores: the program's own HTTP connections, whose resolver drops addresses that may not be
//! reached, and a look at each URL, whose address may stand there as a number.
//!
//! Refusals get their names here too, since here every cloud's answer still has its status.

use async_trait::async_trait;
use http::{StatusCode, Uri};
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService,
};
use pilothouse_outbound::{Client, Error};

/// What a server's refusal means, whichever cloud's it is. Trying again would not help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    /// It does not know the credentials, or they may not do this.
    #[error("the credentials are wrong, or they may not read this bucket")]
    Access,
    /// There is nothing to list.
    #[error("there is no such bucket")]
    NoBucket,
    /// It sends elsewhere.
    #[error("the bucket is in another region or at another endpoint")]
    Elsewhere,
    /// It cannot make sense of the request.
    #[error("its region may be wrong, or its temporary credentials may have expired")]
    Unfit,
}

impl Refusal {
    fn of(uri: &Uri, status: StatusCode) -> Option<Self> {
        match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Some(Self::Access),
            StatusCode::NOT_FOUND if is_list(uri) => Some(Self::NoBucket),
            StatusCode::BAD_REQUEST => Some(Self::Unfit),
            other if other.is_redirection() && other != StatusCode::NOT_MODIFIED => Some(Self::Elsewhere),
            _ => None,
        }
    }
}

/// Whether a request lists: by S3's and Google's parameter, or by Azure's.
fn is_list(uri: &Uri) -> bool {
    let query = uri.query().unwrap_or_default();
    query.split('&').any(|parameter| matches!(parameter, "list-type=2" | "comp=list"))
}

/// Connects by `client` and nothing else.
#[derive(Debug, Clone)]
pub(super) struct Guarded {
    pub(super) client: Client,
    pub(super) allow_plain: bool,
}

impl HttpConnector for Guarded {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

#[async_trait]
impl HttpService for Guarded {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let refused = |error: Error| HttpError::new(HttpErrorKind::Unknown, error);
        let uri = request.uri().clone();
        self.client.check(&uri.to_string()).map_err(refused)?;
        if !self.allow_plain && uri.scheme_str() != Some("https") {
            let host = uri.host().unwrap_or_default().to_owned();
            return Err(refused(Error::Forbidden { host }));
        }
        let response = HttpService::call(&self.client.connections(), request).await?;
        match Refusal::of(&uri, response.status()) {
            Some(refusal) => Err(HttpError::new(HttpErrorKind::Unknown, refusal)),
            None => Ok(response),
        }
    }
}
