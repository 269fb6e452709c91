//! What stands for the names in the path of a route.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use utoipa::IntoParams;
use utoipa::openapi::RefOr;
use utoipa::openapi::path::ParameterIn;

use crate::api::handler::{Described, Taken};
use crate::api::problem::Problem;

/// The names in the path of a request.
#[derive(Debug)]
pub struct Path<T>(pub T);

impl<S, T> FromRequestParts<S> for Path<T>
where
    S: Send + Sync,
    T: DeserializeOwned + Send,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Path<T>, Problem> {
        let read = axum::extract::Path::<T>::from_request_parts(parts, state).await;
        read.map(|axum::extract::Path(names)| Path(names))
            .map_err(|error| Problem::bad(format!("the path cannot be read: {}", error.body_text())))
    }
}

impl<T: IntoParams> Taken for Path<T> {
    fn describe(described: &mut Described) {
        let parameters = described.operation.parameters.get_or_insert_default();
        parameters.extend(T::into_params(|| Some(ParameterIn::Path)).into_iter().map(RefOr::T));
    }
}
