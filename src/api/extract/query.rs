//! What stands behind the `?` of a URL.
//!
//! It is read by the parameters that the document has of the type: their names, kinds, bounds and words. So what is
//! documented is what is taken.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value as Json};
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::openapi::schema::{Object, ObjectBuilder, Schema, SchemaType, Type};
use utoipa::openapi::{RefOr, Required};
use utoipa::{IntoParams, PartialSchema, ToSchema};

use crate::api::handler::{Described, Taken};
use crate::api::problem::Problem;
use crate::diagnostic::did_you_mean;
use crate::runtime::control::MOST_SHOWN;

/// The longest value of a parameter, in bytes, of which nothing else is said.
const LONGEST: usize = 4_000;
/// The most values of a parameter that may be given several times, if nothing else is said.
const MOST_VALUES: usize = 100;

/// The query of a request.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<S, T> FromRequestParts<S> for Query<T>
where
    S: Send + Sync,
    T: DeserializeOwned + IntoParams,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Query<T>, Problem> {
        read(parts.uri.query().unwrap_or_default()).map(Query).map_err(Problem::bad)
    }
}

impl<T: IntoParams> Taken for Query<T> {
    fn describe(described: &mut Described) {
        let parameters = described.operation.parameters.get_or_insert_default();
        parameters.extend(parameters_of::<T>().into_iter().map(RefOr::T));
    }
}

/// The parameters of two types together.
#[derive(Debug)]
pub struct Both<A, B>(pub A, pub B);

impl<A: IntoParams, B: IntoParams> IntoParams for Both<A, B> {
    fn into_params(of: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        A::into_params(&of).into_iter().chain(B::into_params(&of)).collect()
    }
}

impl<'de, A: DeserializeOwned, B: DeserializeOwned> Deserialize<'de> for Both<A, B> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Both<A, B>, D::Error> {
        let values = Json::deserialize(deserializer)?;
        let one = A::deserialize(&values).map_err(D::Error::custom)?;
        Ok(Both(one, B::deserialize(&values).map_err(D::Error::custom)?))
    }
}

/// The parameters that a type stands for. What may be left out is null in the type; in a URL there is no null.
fn parameters_of<T: IntoParams>() -> Vec<Parameter> {
    let mut parameters = T::into_params(|| Some(ParameterIn::Query));
    for parameter in &mut parameters {
        parameter.schema = parameter.schema.take().map(not_null);
    }
    parameters
}

fn not_null(schema: RefOr<Schema>) -> RefOr<Schema> {
    match schema {
        RefOr::T(Schema::Object(mut object)) => {
            if let SchemaType::Array(kinds) = &object.schema_type {
                let given = kinds.iter().find(|kind| !matches!(kind, Type::Null)).cloned();
                object.schema_type = SchemaType::Type(given.unwrap_or_default());
            }
            RefOr::T(Schema::Object(object))
        }
        // One of the type and null.
        RefOr::T(Schema::OneOf(one_of)) => one_of.items.into_iter().next().unwrap_or_default(),
        schema => schema,
    }
}

fn read<T: DeserializeOwned + IntoParams>(query: &str) -> Result<T, String> {
    let known = parameters_of::<T>();
    let values = values(query, &known)?;
    serde_json::from_value(Json::Object(values)).map_err(|error| error.to_string())
}

/// The values of a query, by name, of the kinds that the parameters have.
fn values(query: &str, known: &[Parameter]) -> Result<Map<String, Json>, String> {
    let mut values = Map::new();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        let Some(parameter) = known.iter().find(|parameter| parameter.name == name) else {
            return Err(unknown(&name, known));
        };
        match &parameter.schema {
            Some(RefOr::T(Schema::Array(list))) => {
                let of = match &list.items {
                    utoipa::openapi::schema::ArrayItems::RefOrSchema(of) => Some(&**of),
                    utoipa::openapi::schema::ArrayItems::False => None,
                };
                let value = one(&name, &value, of)?;
                let list_of = values.entry(&*name).or_insert_with(|| Json::Array(Vec::new()));
                let most = list.max_items.unwrap_or(MOST_VALUES);
                match list_of {
                    Json::Array(list) if list.len() < most => list.push(value),
                    _ => return Err(format!("`{name}` is given more than {most} times")),
                }
            }
            of => {
                if values.insert(name.to_string(), one(&name, &value, of.as_ref())?).is_some() {
                    return Err(format!("`{name}` is given twice"));
                }
            }
        }
    }
    let missing = known.iter().find(|parameter| {
        matches!(parameter.required, Required::True) && !values.contains_key(&parameter.name)
    });
    match missing {
        Some(parameter) => Err(format!("`{}` is missing", parameter.name)),
        None => Ok(values),
    }
}

fn unknown(name: &str, known: &[Parameter]) -> String {
    let names = || known.iter().map(|parameter| parameter.name.as_str());
    match did_you_mean(name, names()) {
        hint if !hint.is_empty() => format!("`{name}` is not known here{hint}"),
        _ => {
            let names: Vec<String> = names().map(|name| format!("`{name}`")).collect();
            format!("`{name}` is not known here; possible are {}", names.join(", "))
        }
    }
}

/// A value of the kind that its schema has.
fn one(name: &str, text: &str, of: Option<&RefOr<Schema>>) -> Result<Json, String> {
    let of = match of {
        Some(RefOr::T(Schema::Object(of))) => of,
        _ => &Object::new(),
    };
    match &of.schema_type {
        SchemaType::Type(Type::Integer) => {
            let (least, most) = (bound(of.minimum.as_ref(), i64::MIN), bound(of.maximum.as_ref(), i64::MAX));
            let number = text.parse().ok().filter(|number| (least..=most).contains(number));
            let wrong = || match (of.minimum.is_some(), of.maximum.is_some()) {
                (_, true) => format!("`{name}` is a number from {} to {most}", least.max(0)),
                (true, false) => format!("`{name}` is a number from {least} on"),
                (false, false) => format!("`{name}` is a whole number"),
            };
            number.map(Json::from).ok_or_else(wrong)
        }
        SchemaType::Type(Type::Boolean) => {
            let flag = text.parse::<bool>().map(Json::from);
            flag.map_err(|_| format!("`{name}` is `true` or `false`"))
        }
        _ => text_of(name, text, of),
    }
}

fn text_of(name: &str, text: &str, of: &Object) -> Result<Json, String> {
    let most = of.max_length.unwrap_or(LONGEST);
    if text.len() > most {
        return Err(format!("`{name}` has more than {most} bytes"));
    }
    if let Some(words) = &of.enum_values
        && !words.iter().any(|word| word == text)
    {
        let words: Vec<&str> = words.iter().filter_map(Json::as_str).collect();
        let hint = match did_you_mean(text, words.iter().copied()) {
            hint if hint.is_empty() => format!("; possible are {}", words.join(", ")),
            hint => hint,
        };
        return Err(format!("`{name}` cannot be `{text}`{hint}"));
    }
    Ok(text.into())
}

fn bound(number: Option<&utoipa::Number>, otherwise: i64) -> i64 {
    match number {
        #[expect(clippy::cast_possible_truncation, reason = "bounds are small whole numbers")]
        Some(utoipa::Number::Float(number)) => *number as i64,
        Some(utoipa::Number::Int(number)) => *number as i64,
        Some(utoipa::Number::UInt(number)) => i64::try_from(*number).unwrap_or(i64::MAX),
        None => otherwise,
    }
}

/// How many are shown at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit(pub usize);

impl Default for Limit {
    fn default() -> Limit {
        Limit(100)
    }
}

impl PartialSchema for Limit {
    fn schema() -> RefOr<Schema> {
        let number = ObjectBuilder::new()
            .schema_type(Type::Integer)
            .minimum(Some(0))
            .maximum(Some(MOST_SHOWN))
            .default(Some(Limit::default().0.into()));
        number.into()
    }
}

impl ToSchema for Limit {}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Deserialize, IntoParams)]
    struct Wanted {
        sink: String,
        #[serde(default)]
        #[param(max_items = 2)]
        id: Vec<String>,
        after: Option<u32>,
        #[serde(default)]
        old: bool,
        #[serde(default)]
        #[param(inline)]
        limit: Limit,
    }

    fn fail(query: &str) -> String {
        read::<Wanted>(query).expect_err("it is wrong")
    }

    #[test]
    fn what_is_given_is_read_by_what_is_documented() {
        let given = read::<Wanted>("sink=a%20b&id=1&id=2&after=7&old=true&limit=0").expect("it is right");
        let id = vec!["1".into(), "2".into()];
        let all = Wanted { sink: "a b".into(), id, after: Some(7), old: true, limit: Limit(0) };
        assert_eq!(given, all);
        let least = read::<Wanted>("sink=").expect("it is right");
        let none =
            Wanted { sink: String::new(), id: Vec::new(), after: None, old: false, limit: Limit::default() };
        assert_eq!(least, none);
    }

    #[test]
    fn what_is_not_documented_is_refused() {
        assert_eq!(fail(""), "`sink` is missing");
        assert_eq!(fail("sink=a&sink=b"), "`sink` is given twice");
        assert_eq!(fail("sink=a&sin=b"), "`sin` is not known here; did you mean `sink`?");
        assert_eq!(fail("x=1"), "`x` is not known here; possible are `sink`, `id`, `after`, `old`, `limit`");
        assert_eq!(fail("sink=a&id=1&id=2&id=3"), "`id` is given more than 2 times");
        assert_eq!(fail("sink=a&after=-1"), "`after` is a number from 0 on");
        assert_eq!(fail("sink=a&old=1"), "`old` is `true` or `false`");
        assert_eq!(fail("sink=a&limit=1001"), "`limit` is a number from 0 to 1000");
        assert_eq!(fail("sink=a&limit=99999999999999999999"), "`limit` is a number from 0 to 1000");
        assert_eq!(fail(&format!("sink={}", "a".repeat(4_001))), "`sink` has more than 4000 bytes");
    }
}
