//! The way out for object stores: the program's own HTTP connections, whose resolver drops addresses that may not be
//! reached, and a look at each URL, whose address may stand there as a number.

use async_trait::async_trait;
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService,
};
use pilothouse_outbound::{Client, Error};

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
        self.client.check(&request.uri().to_string()).map_err(refused)?;
        if !self.allow_plain && request.uri().scheme_str() != Some("https") {
            let host = request.uri().host().unwrap_or_default().to_owned();
            return Err(refused(Error::Forbidden { host }));
        }
        HttpService::call(&self.client.connections(), request).await
    }
}
