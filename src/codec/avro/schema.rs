//! Schemas of Avro: from their text to what a plan is made of.

use std::collections::HashMap;

use apache_avro::Schema;
use apache_avro::schema::{DecimalSchema, InnerDecimalSchema, Name, UuidSchema};

use crate::codec::schemas::Reference;

/// A schema with all that it refers to.
#[derive(Debug)]
pub struct Parsed {
    root: Schema,
    references: Vec<Schema>,
}

impl Parsed {
    /// The schema that a text writes, which may name types of the references.
    ///
    /// # Errors
    /// In words for people, when it is none.
    pub fn new(text: &str, references: &[Reference]) -> Result<Parsed, String> {
        let texts = references.iter().map(|reference| &*reference.text);
        let (root, references) = Schema::parse_str_with_list(text, texts).map_err(|why| why.to_string())?;
        Ok(Parsed { root, references })
    }

    /// The schema of a whole record.
    pub(super) fn root(&self) -> &Schema {
        &self.root
    }

    /// The types that have names.
    pub(super) fn names(&self) -> Names<'_> {
        let mut names = Names::default();
        for schema in self.references.iter().chain([&self.root]) {
            names.collect(schema);
        }
        names
    }
}

/// The types of a schema that have names.
#[derive(Debug, Default)]
pub(super) struct Names<'s>(HashMap<&'s Name, &'s Schema>);

impl<'s> Names<'s> {
    /// What a schema is: the type itself where it is the name of one.
    ///
    /// # Errors
    /// In words for people, when nothing has that name.
    pub(super) fn definition(&self, schema: &'s Schema) -> Result<&'s Schema, String> {
        match schema {
            Schema::Ref { name } => {
                self.0.get(name).copied().ok_or_else(|| format!("the type `{name}` is not defined"))
            }
            other => Ok(other),
        }
    }

    /// Adds all that are defined in a schema. Definitions inside of each other are as deep as the parser of
    /// their JSON allows, which is not very deep.
    fn collect(&mut self, schema: &'s Schema) {
        match schema {
            Schema::Record(record) => {
                self.0.insert(&record.name, schema);
                record.fields.iter().for_each(|field| self.collect(&field.schema));
            }
            Schema::Enum(symbols) => {
                self.0.insert(&symbols.name, schema);
            }
            Schema::Fixed(fixed)
            | Schema::Duration(fixed)
            | Schema::Uuid(UuidSchema::Fixed(fixed))
            | Schema::Decimal(DecimalSchema { inner: InnerDecimalSchema::Fixed(fixed), .. }) => {
                self.0.insert(&fixed.name, schema);
            }
            Schema::Array(array) => self.collect(&array.items),
            Schema::Map(map) => self.collect(&map.types),
            Schema::Union(union) => union.variants().iter().for_each(|variant| self.collect(variant)),
            _ => {}
        }
    }
}
