//! Imports: a data file as the body of a request.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::State as FromState;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use futures::{Stream, StreamExt};
use pilothouse_app::{Error, imports as use_cases};
use pilothouse_domain::Code;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::connections::described;
use crate::caller::Caller;
use crate::dto::ConnectionDto;
use crate::dto::requests::DataFile;
use crate::error::Failure;
use crate::extract::Query;
use crate::state::State;

/// The only type of body that is taken: no form of another site can send it without the browser asking first.
const BINARY: &str = "application/octet-stream";
/// How long the rest of a refused file is read and thrown away: a client that is cut off while it sends does not see
/// why.
const LINGER: Duration = Duration::from_secs(5);

pub fn routes() -> OpenApiRouter<Arc<State>> {
    OpenApiRouter::new().routes(routes!(import))
}

#[derive(Deserialize, IntoParams)]
struct File {
    /// The file's name, for instance `flights.csv`: its end tells the format, the rest becomes the table's name.
    name: String,
}

/// Copies a data file into the installation, where it becomes a table of the connection `imports`. The body is the
/// file itself.
#[utoipa::path(post, path = "/api/v1/imports", tag = "data", params(File),
    request_body(content = DataFile, content_type = "application/octet-stream"),
    responses((status = 201, body = ConnectionDto)))]
async fn import(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
    Query(file): Query<File>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<ConnectionDto>), Failure> {
    let mut bytes = pin!(body.into_data_stream().map(|read| read.map_err(|_| cut_off())));
    let imported = if headers.get(CONTENT_TYPE).is_some_and(|value| value.as_bytes() == BINARY.as_bytes()) {
        let declared = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
        use_cases::import(&state.app, &caller, &file.name, declared, bytes.as_mut()).await
    } else {
        Err(Error::new(Code::BodyType, format!("The file itself with Content-Type: {BINARY} is needed.")))
    };
    match imported {
        Ok(connection) => Ok((StatusCode::CREATED, described(&state, connection).await?)),
        Err(error) => {
            throw_away(bytes).await;
            Err(error.into())
        }
    }
}

fn cut_off() -> Error {
    Error::new(Code::FileUnreadable, "The file was cut off on its way; nothing was imported.")
}

async fn throw_away<T>(mut bytes: impl Stream<Item = Result<T, Error>> + Unpin) {
    let rest = async { while let Some(Ok(_)) = bytes.next().await {} };
    // Whoever has more to send than this will see the connection end.
    let _ = tokio::time::timeout(LINGER, rest).await;
}
