//! Random schemas with random values: what the library has written is read as it was.

use proptest::prelude::*;
use serde_json::json;

use super::*;

/// A type, without names.
#[derive(Clone, Debug)]
enum Shape {
    Null,
    Bool,
    Int,
    Long,
    Float,
    Double,
    Bytes,
    Str,
    Millis,
    Fixed(usize),
    Enum(usize),
    Optional(Box<Shape>),
    Array(Box<Shape>),
    Map(Box<Shape>),
    Record(Vec<Shape>),
}

fn shape() -> impl Strategy<Value = Shape> {
    let leaf = prop_oneof![
        Just(Shape::Null),
        Just(Shape::Bool),
        Just(Shape::Int),
        Just(Shape::Long),
        Just(Shape::Float),
        Just(Shape::Double),
        Just(Shape::Bytes),
        Just(Shape::Str),
        Just(Shape::Millis),
        (0_usize..5).prop_map(Shape::Fixed),
        (1_usize..4).prop_map(Shape::Enum),
    ];
    let tree = leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            inner.clone().prop_map(|inner| match inner {
                Shape::Null | Shape::Optional(_) => Shape::Int,
                other => Shape::Optional(Box::new(other)),
            }),
            inner.clone().prop_map(|inner| Shape::Array(Box::new(inner))),
            inner.clone().prop_map(|inner| Shape::Map(Box::new(inner))),
            proptest::collection::vec(inner, 0..4).prop_map(Shape::Record),
        ]
    });
    proptest::collection::vec(tree, 1..6).prop_map(Shape::Record)
}

impl Shape {
    /// The schema; `names` counts the types that have names.
    fn schema(&self, names: &mut usize) -> Json {
        let mut name = |letter: &str| {
            *names += 1;
            format!("{letter}{names}")
        };
        match self {
            Shape::Null => json!("null"),
            Shape::Bool => json!("boolean"),
            Shape::Int => json!("int"),
            Shape::Long => json!("long"),
            Shape::Float => json!("float"),
            Shape::Double => json!("double"),
            Shape::Bytes => json!("bytes"),
            Shape::Str => json!("string"),
            Shape::Millis => json!({"type": "long", "logicalType": "timestamp-millis"}),
            Shape::Fixed(size) => json!({"type": "fixed", "name": name("F"), "size": size}),
            Shape::Enum(count) => {
                let symbols: Vec<String> = (0..*count).map(|index| format!("S{index}")).collect();
                json!({"type": "enum", "name": name("E"), "symbols": symbols})
            }
            Shape::Optional(inner) => json!(["null", inner.schema(names)]),
            Shape::Array(items) => json!({"type": "array", "items": items.schema(names)}),
            Shape::Map(values) => json!({"type": "map", "values": values.schema(names)}),
            Shape::Record(fields) => {
                let name = name("R");
                let fields: Vec<Json> = (0..)
                    .zip(fields)
                    .map(|(index, field)| json!({"name": format!("f{index}"), "type": field.schema(names)}))
                    .collect();
                json!({"type": "record", "name": name, "fields": fields})
            }
        }
    }

    /// A value, and the JSON that it is to be shown as.
    fn value(&self, rng: &mut impl rand::Rng) -> (Value, Json) {
        use rand::RngExt;
        let bytes =
            |rng: &mut _, count| -> Vec<u8> { (0..count).map(|_| rand::RngExt::random(rng)).collect() };
        let encode = |bytes: &[u8]| base64::Engine::encode(&base64::prelude::BASE64_STANDARD, bytes);
        match self {
            Shape::Null => (Value::Null, Json::Null),
            Shape::Bool => {
                let bool = rng.random();
                (Value::Boolean(bool), json!(bool))
            }
            Shape::Int => {
                let int: i32 = rng.random::<i32>() >> rng.random_range(0..32);
                (Value::Int(int), json!(int))
            }
            Shape::Long => {
                let long: i64 = rng.random::<i64>() >> rng.random_range(0..64);
                (Value::Long(long), json!(long))
            }
            Shape::Float => {
                let float: f32 = rng.random_range(-1e9..1e9);
                (Value::Float(float), json!(f64::from(float)))
            }
            Shape::Double => {
                let double: f64 = rng.random_range(-1e9..1e9);
                (Value::Double(double), json!(double))
            }
            Shape::Bytes => {
                let count = rng.random_range(0..9);
                let bytes = bytes(rng, count);
                let shown = json!(encode(&bytes));
                (Value::Bytes(bytes), shown)
            }
            Shape::Str => {
                let text: String = (0..rng.random_range(0..9)).map(|_| rng.random::<char>()).collect();
                (Value::String(text.clone()), json!(text))
            }
            Shape::Millis => {
                let millis: i64 = rng.random_range(0..4_000_000_000_000);
                let time = Timestamp::from_millis(millis).expect("it fits");
                (Value::TimestampMillis(millis), json!(time.to_string()))
            }
            Shape::Fixed(size) => {
                let bytes = bytes(rng, *size);
                let shown = json!(encode(&bytes));
                (Value::Fixed(*size, bytes), shown)
            }
            Shape::Enum(count) => {
                let index = rng.random_range(0..*count);
                let symbol = format!("S{index}");
                (Value::Enum(index as u32, symbol.clone()), json!(symbol))
            }
            Shape::Optional(inner) => match rng.random::<bool>() {
                true => (Value::Union(0, Box::new(Value::Null)), Json::Null),
                false => {
                    let (value, shown) = inner.value(rng);
                    (Value::Union(1, Box::new(value)), shown)
                }
            },
            Shape::Array(items) => {
                let (values, shown) = (0..rng.random_range(0..4)).map(|_| items.value(rng)).unzip();
                (Value::Array(values), Json::Array(shown))
            }
            Shape::Map(of) => {
                let (mut values, mut shown) = (std::collections::HashMap::new(), serde_json::Map::new());
                for index in 0..rng.random_range(0..4) {
                    let (value, json) = of.value(rng);
                    values.insert(format!("k{index}"), value);
                    shown.insert(format!("k{index}"), json);
                }
                (Value::Map(values), Json::Object(shown))
            }
            Shape::Record(fields) => {
                let (mut values, mut shown) = (Vec::new(), serde_json::Map::new());
                for (index, field) in fields.iter().enumerate() {
                    let (value, json) = field.value(rng);
                    values.push((format!("f{index}"), value));
                    shown.insert(format!("f{index}"), json);
                }
                (Value::Record(values), Json::Object(shown))
            }
        }
    }

    /// How a stream may declare it.
    fn declared(&self) -> Option<&'static str> {
        Some(match self {
            Shape::Bool => "bool",
            Shape::Int | Shape::Long => "int?",
            Shape::Float | Shape::Double => "float",
            Shape::Bytes | Shape::Str | Shape::Fixed(_) | Shape::Enum(_) => "string",
            Shape::Millis => "timestamp?",
            Shape::Optional(inner) => {
                return inner.declared().map(|ty| if ty.ends_with('?') { ty } else { "" });
            }
            _ => return None,
        })
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(crate::cases::size(200, 5_000)))]

    #[test]
    fn what_was_written_is_read(shape in shape(), seed in any::<u64>()) {
        let schema = shape.schema(&mut 0).to_string();
        let mut rng = <rand::rngs::ChaCha8Rng as rand::SeedableRng>::seed_from_u64(seed);
        let (value, expected) = shape.value(&mut rng);
        let bytes = written(&schema, value);
        let Shape::Record(fields) = &shape else { unreachable!("it is a record") };
        let declared: Vec<String> = (0..)
            .zip(fields)
            .filter_map(|(index, field)| field.declared().filter(|ty| !ty.is_empty()).map(|ty| format!("f{index} {ty}")))
            .chain(["other int?".to_owned()])
            .collect();
        let shown = read(&local(&schema), &declared.join(", "), &bytes);
        let shown = shown.map(|raw| serde_json::from_str::<Json>(&raw).expect("JSON"));
        prop_assert_eq!(shown, Ok(expected.clone()), "{}", schema);
        // The same records, read with their schema as another one's: nothing is changed by that.
        let settings = Format::Avro(Settings::Registry(Some(parsed(&schema))));
        let stream = stream("other int?");
        let mut decoder = settings.decoder(StreamId(7), &stream, Kept::ALL);
        let registered = Registered { kind: Kind::Avro, text: schema.clone().into(), references: Vec::new() };
        decoder.give(SchemaId::Number(1), &Answer::Schema(Arc::new(registered)));
        let record: Vec<u8> = b"\0\0\0\0\x01".iter().chain(&bytes).copied().collect();
        let shown = decode(&mut *decoder, &stream, &record).map(|raw| serde_json::from_str(&raw).expect("JSON"));
        prop_assert_eq!(shown, Ok(expected), "{}", schema);
    }
}
