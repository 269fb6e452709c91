//! `GET /v1/me`: who asks.

use serde::Serialize;
use utoipa::ToSchema;

use crate::access::{By, Role, Who};

use super::extract::Json;
use super::gate::Asker;
use super::problem::Problem;

/// Who asks.
#[derive(Debug, Serialize, ToSchema)]
pub struct Me {
    /// The name: of a token, of a certificate; `anonymous` where nobody has to show who they are.
    name: String,
    /// What they are known by.
    by: By,
    /// What they may do.
    role: Role,
}

/// Says who asks, and what they may do.
#[utoipa::path(
    get,
    path = "/v1/me",
    tag = "service",
    responses((status = 200, description = "The name and the role."))
)]
pub async fn who_asks(asker: Asker) -> Result<Json<Me>, Problem> {
    let Who { by, name, role } = asker.who?;
    Ok(Json(Me { name, by, role }))
}
