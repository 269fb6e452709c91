//! Schemas of Protocol Buffers: from the text of files, or compiled ones, to the types of messages.

use std::collections::HashMap;
use std::fmt;

use prost_reflect::{DescriptorPool, FileDescriptor, MessageDescriptor};
use protox::Compiler;
use protox::file::{File, FileResolver, GoogleFileResolver};

use crate::codec::schemas::Reference;

/// Files that Confluent's libraries have with them, so that a registry does not name them as references.
const KNOWN: [(&str, &str); 2] = [
    ("confluent/meta.proto", include_str!("known/meta.proto")),
    ("confluent/type/decimal.proto", include_str!("known/decimal.proto")),
];

/// Gives the text of a file by the name by which another imports it.
pub type Imports = Box<dyn Fn(&str) -> Option<String>>;

/// The types of a file and of all that it imports.
#[derive(Clone, Debug)]
pub struct Parsed {
    pool: DescriptorPool,
    /// The file itself; `None`: all of them are the same to us.
    file: Option<FileDescriptor>,
}

impl Parsed {
    /// The types that a text defines, which is called `name` in what is wrong with it.
    ///
    /// # Errors
    /// In words for people, when it is no file of types.
    pub fn new(name: &str, text: &str, imports: Imports) -> Result<Parsed, String> {
        let files = Files { name: name.to_owned(), text: text.to_owned(), imports };
        let mut compiler = Compiler::with_file_resolver(files);
        compiler.include_imports(true);
        compiler.open_file(name).map_err(|why| format!("{why:?}"))?;
        let pool = compiler.descriptor_pool();
        let file = pool.get_file_by_name(name);
        Ok(Parsed { pool, file })
    }

    /// The types that a registered text defines.
    ///
    /// # Errors
    /// As [`Parsed::new`].
    pub fn registered(text: &str, references: &[Reference]) -> Result<Parsed, String> {
        let name = |reference: &Reference| (reference.name.to_string(), reference.text.to_string());
        let references: HashMap<String, String> = references.iter().map(name).collect();
        Parsed::new("schema.proto", text, Box::new(move |name| references.get(name).cloned()))
    }

    /// The types of a compiled set of files, as `protoc --descriptor_set_out --include_imports` writes it.
    ///
    /// # Errors
    /// In words for people, when it is none.
    pub fn compiled(bytes: &[u8]) -> Result<Parsed, String> {
        let pool = DescriptorPool::decode(bytes).map_err(|why| why.to_string())?;
        Ok(Parsed { pool, file: None })
    }

    /// The type of messages with that full name; without one, the only type of the file.
    ///
    /// # Errors
    /// In words for people, when there is no such type, or there are several.
    pub fn message(&self, name: Option<&str>) -> Result<Message, String> {
        let names = |messages: &mut dyn Iterator<Item = MessageDescriptor>| -> Vec<String> {
            messages.filter(|one| !one.is_map_entry()).map(|one| format!("`{}`", one.full_name())).collect()
        };
        let all = match &self.file {
            Some(file) => names(&mut file.messages()),
            None => names(&mut self.pool.all_messages()),
        };
        let Some(name) = name else {
            return match (&self.file, all.len()) {
                (Some(file), 1) => file.messages().next().map(Message).ok_or_else(String::new),
                _ => Err(format!("it defines several messages; `message` says which: {}", all.join(", "))),
            };
        };
        let found = self.pool.get_message_by_name(name).map(Message);
        found.ok_or_else(|| format!("it does not define the message `{name}`, but {}", all.join(", ")))
    }

    /// The type of messages that is reached by these numbers: of those that the file defines, of those that
    /// that defines, and so on.
    pub(super) fn by_indexes(&self, indexes: &[usize]) -> Option<Message> {
        let (first, others) = indexes.split_first()?;
        let mut found = self.file.as_ref()?.messages().nth(*first)?;
        for index in others {
            let inner = found.child_messages().nth(*index)?;
            found = inner;
        }
        Some(Message(found))
    }
}

/// A type of messages.
#[derive(Clone, Debug)]
pub struct Message(pub(super) MessageDescriptor);

/// A text and what it may import.
struct Files {
    name: String,
    text: String,
    imports: Imports,
}

impl FileResolver for Files {
    fn open_file(&self, name: &str) -> Result<File, protox::Error> {
        if name == self.name {
            return File::from_source(name, &self.text);
        }
        if let Some(text) = (self.imports)(name) {
            return File::from_source(name, &text);
        }
        if let Some((_, text)) = KNOWN.iter().find(|(known, _)| *known == name) {
            return File::from_source(name, text);
        }
        GoogleFileResolver::new().open_file(name)
    }
}

impl fmt::Debug for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Files").field("name", &self.name).finish_non_exhaustive()
    }
}
