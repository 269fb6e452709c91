//! From the types of a handler to what the document says of it, so that the two cannot differ.

use axum::body::Body;
use axum::extract::State;
use axum::http::Response;
use utoipa::ToSchema;
use utoipa::openapi::RefOr;
use utoipa::openapi::path::Operation;
use utoipa::openapi::schema::Schema;

use super::problem::Problem;

/// What is described of a handler.
#[derive(Default)]
pub struct Described {
    /// What the document says of it.
    pub operation: Operation,
    /// The types that it uses, by name.
    pub schemas: Vec<(String, RefOr<Schema>)>,
}

impl Described {
    /// A type is used.
    pub fn uses<T: ToSchema>(&mut self) {
        self.schemas.push((T::name().into_owned(), T::schema()));
        T::schemas(&mut self.schemas);
    }
}

/// Something that handlers take.
pub trait Taken {
    /// Says so.
    fn describe(_: &mut Described) {}
}

/// Something that handlers answer.
pub trait Given {
    /// Says so. A description that the handler gives stays.
    fn describe(_: &mut Described) {}
}

impl<S> Taken for State<S> {}

/// The handler says by itself what it answers.
impl Given for Response<Body> {}

/// The table of routes says which problems there are.
impl<T: Given> Given for Result<T, Problem> {
    fn describe(described: &mut Described) {
        T::describe(described);
    }
}

/// A handler: what it takes and answers.
pub trait Handler<Takes> {
    /// Says so.
    fn describe(&self, described: &mut Described);
}

macro_rules! handler {
    ($($taken:ident),*) => {
        impl<F, A, G, $($taken),*> Handler<($($taken,)*)> for F
        where
            F: Fn($($taken),*) -> A,
            A: Future<Output = G>,
            G: Given,
            $($taken: Taken,)*
        {
            fn describe(&self, described: &mut Described) {
                $($taken::describe(described);)*
                G::describe(described);
            }
        }
    };
}

handler!();
handler!(T1);
handler!(T1, T2);
handler!(T1, T2, T3);
handler!(T1, T2, T3, T4);
handler!(T1, T2, T3, T4, T5);
