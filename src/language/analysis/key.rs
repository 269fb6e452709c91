//! `by`: what the events of a rule are grouped by.
//!
//! Enters: the parts as written and the streams that the pattern reads. Leaves: for each stream the
//! fields that make the key, and the names by which alerts know its parts.

use std::collections::{BTreeMap, HashMap};

use compact_str::CompactString;

use crate::diagnostic::codes::{E0102, E0106, E0402, E0403, W0507};
use crate::diagnostic::{Diagnostic, Diagnostics, Span, nearest};
use crate::event::{FieldId, StreamId, Type};
use crate::language::checked::KeySpec;
use crate::language::tree;

use super::expression::KeyName;
use super::scope::{Globals, listed};

/// Most parts of a key.
const MAX_PARTS: usize = 16;

/// The key of a rule.
pub(super) struct Key {
    /// `None` when something is wrong, which has been reported.
    pub spec: Option<KeySpec>,
    /// Its parts as alerts name them.
    pub names: Vec<KeyName>,
}

/// Checks `by`. `reads`: the streams of the pattern and where each is first named; when the pattern
/// is not sound it may read others.
pub(super) fn check(
    by: Option<&[tree::KeyPart]>,
    reads: &BTreeMap<StreamId, Span>,
    is_sound: bool,
    globals: &Globals<'_>,
    diagnostics: &mut Diagnostics,
) -> Key {
    let mut spec =
        KeySpec { names: Vec::new(), fields: reads.keys().map(|stream| (*stream, Vec::new())).collect() };
    let mut names: Vec<KeyName> = Vec::new();
    let mut sound = true;
    let by = by.unwrap_or_default();
    if let Some(beyond) = by.get(MAX_PARTS) {
        let message = format!("a key may have at most {MAX_PARTS} parts");
        let help = "group by what identifies one card, user or device";
        diagnostics.push(Diagnostic::new(E0403, beyond.fields[0].field.span, message).help(help));
        sound = false;
    }
    for part in by.iter().take(MAX_PARTS) {
        let mut checker = PartChecker::new(part, reads, globals, diagnostics);
        checker.named_streams(is_sound);
        let name = checker.name();
        let fields = checker.fields();
        let ty = checker.one_type(&fields);
        if let Some(twice) = names.iter().find(|other| other.name == name) {
            checker.twice(&twice.name);
        }
        sound &= checker.is_sound && fields.len() == reads.len();
        for (stream, (field, _)) in fields {
            spec.fields.entry(stream).or_default().push(field);
        }
        let others = part.fields[1..].iter().map(|field| CompactString::new(&field.field.node)).collect();
        spec.names.push(name.clone());
        names.push(KeyName { name, ty, others });
    }
    Key { spec: sound.then_some(spec), names }
}

/// Checks one part of the key.
struct PartChecker<'c, 'g> {
    part: &'c tree::KeyPart,
    reads: &'c BTreeMap<StreamId, Span>,
    globals: &'c Globals<'g>,
    diagnostics: &'c mut Diagnostics,
    /// What it reads of the streams that it names, by their names, and of all others.
    named: HashMap<Option<&'c str>, &'c tree::KeyField>,
    /// Whether no error has been found.
    is_sound: bool,
}

impl<'c, 'g> PartChecker<'c, 'g> {
    fn new(
        part: &'c tree::KeyPart,
        reads: &'c BTreeMap<StreamId, Span>,
        globals: &'c Globals<'g>,
        diagnostics: &'c mut Diagnostics,
    ) -> PartChecker<'c, 'g> {
        let mut named = HashMap::new();
        for field in &part.fields {
            named.entry(field.stream.as_ref().map(|stream| stream.node.as_str())).or_insert(field);
        }
        PartChecker { part, reads, globals, diagnostics, named, is_sound: true }
    }

    /// Reports an error.
    fn report(&mut self, diagnostic: Diagnostic) {
        self.is_sound = false;
        self.diagnostics.push(diagnostic);
    }

    fn span(&self) -> Span {
        let span = |field: &tree::KeyField| {
            field.stream.as_ref().map_or(field.field.span, |stream| stream.span.to(field.field.span))
        };
        let fields = &self.part.fields;
        span(&fields[0]).to(span(&fields[fields.len() - 1]))
    }

    /// Reports streams that do not exist, and those that the pattern does not read.
    fn named_streams(&mut self, is_pattern_sound: bool) {
        for stream in self.part.fields.iter().filter_map(|field| field.stream.as_ref()) {
            if let Some(diagnostic) = self.globals.unknown_stream(stream) {
                self.report(diagnostic);
                continue;
            }
            let is_read = self.globals.stream(&stream.node).is_none_or(|id| self.reads.contains_key(&id));
            if !is_read && is_pattern_sound {
                let message = format!("the pattern does not read `{}`", stream.node);
                self.diagnostics.push(
                    Diagnostic::new(W0507, stream.span, message)
                        .help("take it out of `by`, or use an event of it in `match`"),
                );
            }
        }
    }

    /// What the part reads of a stream.
    fn wanted(&self, stream: StreamId) -> Option<&'c tree::KeyField> {
        let name = self.globals.schema(stream).name.as_str();
        self.named.get(&Some(name)).or_else(|| self.named.get(&None)).copied()
    }

    /// Whether one of its streams is not known, so that what is missing for another may be meant.
    fn names_unknown_stream(&self) -> bool {
        self.part
            .fields
            .iter()
            .filter_map(|field| field.stream.as_ref())
            .any(|stream| self.globals.stream(&stream.node).is_none())
    }

    /// Its name in alerts: as written or, where that is misspelt, as meant.
    fn name(&self) -> CompactString {
        let first = &self.part.fields[0].field.node;
        let fields =
            |stream: &StreamId| self.globals.schema(*stream).fields.iter().map(|field| field.name.as_str());
        let known = || self.reads.keys().flat_map(fields);
        if known().any(|field| field == first) {
            return CompactString::new(first);
        }
        CompactString::new(nearest(first, known()).unwrap_or(first))
    }

    /// The field of each stream that has it. What is missing is reported, one field once.
    fn fields(&mut self) -> BTreeMap<StreamId, (FieldId, Type)> {
        let mut fields = BTreeMap::new();
        // The streams without the field, by what was written.
        let mut without: Vec<(&tree::Name, Vec<StreamId>)> = Vec::new();
        for &stream in self.reads.keys() {
            let Some(wanted) = self.wanted(stream) else {
                if !self.names_unknown_stream() {
                    let diagnostic = self.no_part(stream);
                    self.report(diagnostic);
                }
                continue;
            };
            match self.globals.schema(stream).field(&wanted.field.node) {
                Some((id, field)) => {
                    fields.insert(stream, (id, field.ty.value_type()));
                }
                None if self.globals.is_unread_field(stream, &wanted.field.node) => {}
                None => match without.iter_mut().find(|(name, _)| name.span == wanted.field.span) {
                    Some((_, streams)) => streams.push(stream),
                    None => without.push((&wanted.field, vec![stream])),
                },
            }
        }
        for (name, streams) in without {
            let diagnostic = self.no_field(name, &streams, &fields);
            self.report(diagnostic);
        }
        fields
    }

    fn no_part(&self, stream: StreamId) -> Diagnostic {
        let schema = self.globals.schema(stream);
        let first = &self.part.fields[0].field.node;
        let field = if schema.field(first).is_some() { first.as_str() } else { "…" };
        Diagnostic::new(
            E0402,
            self.span(),
            format!("nothing says which field of `{}` belongs to the key", schema.name),
        )
        .also(self.reads[&stream], format!("the rule reads `{}` here", schema.name))
        .help(format!("add it: `… = {}.{field}`", schema.name))
    }

    fn no_field(
        &self,
        name: &tree::Name,
        streams: &[StreamId],
        found: &BTreeMap<StreamId, (FieldId, Type)>,
    ) -> Diagnostic {
        let stream_names: Vec<&str> =
            streams.iter().map(|stream| self.globals.schema(*stream).name.as_str()).collect();
        let message = match stream_names.as_slice() {
            [one] => format!("`{one}` has no field `{}` to group by", name.node),
            [one, other] => format!("neither `{one}` nor `{other}` has a field `{}` to group by", name.node),
            _ => format!(
                "none of {} has a field `{}` to group by",
                listed(stream_names.iter().copied()),
                name.node
            ),
        };
        let diagnostic = Diagnostic::new(E0102, name.span, message);
        let fields =
            |stream: &StreamId| self.globals.schema(*stream).fields.iter().map(|field| field.name.as_str());
        if let Some(near) = nearest(&name.node, streams.iter().flat_map(fields)) {
            return diagnostic.help(format!("did you mean `{near}`?"));
        }
        match found.keys().next() {
            Some(other) => diagnostic.help(format!(
                "if it has another name there: `by {}.{} = {}.…`",
                self.globals.schema(*other).name,
                name.node,
                stream_names[0],
            )),
            None => diagnostic.help(format!("its fields are {}", listed(fields(&streams[0])))),
        }
    }

    /// The type of the part, if all streams agree.
    fn one_type(&mut self, fields: &BTreeMap<StreamId, (FieldId, Type)>) -> Option<Type> {
        let mut all = fields.iter();
        let (first_stream, (first_field, first)) = all.next()?;
        let (stream, (field, ty)) = all
            .find(|(_, (_, ty))| ty != first)
            .map_or((first_stream, (first_field, first)), |(stream, (field, ty))| (stream, (field, ty)));
        if ty == first {
            return Some(*first);
        }
        let name = |stream: &StreamId, field: &FieldId| {
            let schema = self.globals.schema(*stream);
            format!("`{}.{}`", schema.name, schema.fields[field.0 as usize].name)
        };
        let message = format!(
            "this part of the key is `{first}` in {}, but `{ty}` in {}",
            name(first_stream, first_field),
            name(stream, field)
        );
        let diagnostic =
            Diagnostic::new(E0402, self.span(), message).help("declare both fields with the same type");
        self.report(diagnostic);
        None
    }

    /// Reports a name that another part of the key has as well.
    fn twice(&mut self, name: &str) {
        let diagnostic = Diagnostic::new(E0106, self.part.fields[0].field.span, format!("two parts of the key are called `{name}`"))
            .help("a part is called like its first field: take it out, or begin it with the field of another stream");
        self.report(diagnostic);
    }
}
