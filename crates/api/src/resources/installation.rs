//! What decides whether the installation's records are safe, for whoever administers it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State as FromState;
use pilothouse_app::status;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::caller::Caller;
use crate::dto::health::{InstallationDto, SettingDto};
use crate::error::Failure;
use crate::state::State;

pub fn routes() -> OpenApiRouter<Arc<State>> {
    OpenApiRouter::new().routes(routes!(show))
}

/// How the database keeps what it acknowledged, and which keys seal credentials; `pilothouse doctor` judges them.
#[utoipa::path(get, path = "/api/v1/installation", tag = "installation", responses((status = 200, body = InstallationDto)))]
async fn show(
    FromState(state): FromState<Arc<State>>,
    Caller(caller): Caller,
) -> Result<Json<InstallationDto>, Failure> {
    let safety = status::safety(&state.app, &caller).await?;
    let durability = safety.durability.into_iter().map(|(name, value)| SettingDto { name, value }).collect();
    Ok(Json(InstallationDto { durability, key_ids: safety.key_ids.into_iter().collect() }))
}
