//! What handlers take out of a request. Each says in the document of the API what it takes, and refuses everything else
//! with a problem that says what is wrong; so the document and what is taken cannot differ.

mod body;
mod path;
mod query;
mod shape;

pub use body::{Json, MostBytes};
pub use path::Path;
pub use query::{Both, Limit, Query};
