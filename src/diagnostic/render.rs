//! Diagnostics as text for people and as JSON for editors.

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use serde::Serialize;

use super::source::LineColumn;
use super::{Diagnostic, Diagnostics, Label, Severity, Sources, Span};

/// Whether the text carries terminal colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Letters only.
    Plain,
    /// ANSI colours.
    Coloured,
}

/// One diagnostic with the underlined source.
pub fn render(diagnostic: &Diagnostic, sources: &Sources, style: Style) -> String {
    let level = match diagnostic.severity() {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(diagnostic.message.as_str()).id(diagnostic.code.as_str());
    let group = with_source(Group::with_title(title), &diagnostic.primary, &diagnostic.secondary, sources);
    let help = diagnostic.help.iter().map(|help| Level::HELP.message(help.as_str()));
    renderer(style).render(&[group.elements(help)])
}

/// Something that was found and has no code, as a failure of a test: shown like an error, with the
/// source and with notes.
pub fn render_finding(
    message: &str,
    primary: &Label,
    secondary: &[Label],
    notes: &[String],
    sources: &Sources,
    style: Style,
) -> String {
    let group = Group::with_title(Level::ERROR.primary_title(message));
    let group = with_source(group, primary, secondary, sources);
    let notes = notes.iter().map(|note| Level::NOTE.message(note.as_str()));
    renderer(style).render(&[group.elements(notes)])
}

/// Adds the source with its places underlined.
fn with_source<'a>(
    mut group: Group<'a>,
    primary: &'a Label,
    secondary: &'a [Label],
    sources: &'a Sources,
) -> Group<'a> {
    let primary_file = primary.span.file;
    let file = sources.file(primary_file);
    group = match file.text.as_str() {
        // A file that could not be read, or an empty one, has nothing to underline.
        "" => group.element(Origin::path(file.name.as_str())),
        text => {
            let others = secondary.iter().filter(|label| label.span.file == primary_file);
            let others = others.map(|label| annotation(label, AnnotationKind::Context));
            let primary = annotation(primary, AnnotationKind::Primary);
            group.element(
                Snippet::source(text)
                    .path(file.name.as_str())
                    .line_start(file.first_line)
                    .annotation(primary)
                    .annotations(others),
            )
        }
    };
    for label in secondary.iter().filter(|label| label.span.file != primary_file) {
        let file = sources.file(label.span.file);
        group = group.element(
            Snippet::source(file.text.as_str())
                .path(file.name.as_str())
                .line_start(file.first_line)
                .annotation(annotation(label, AnnotationKind::Context)),
        );
    }
    group
}

fn renderer(style: Style) -> Renderer {
    match style {
        Style::Plain => Renderer::plain(),
        Style::Coloured => Renderer::styled(),
    }
}

fn annotation(label: &Label, kind: AnnotationKind) -> annotate_snippets::Annotation<'_> {
    let annotation = kind.span(label.span.start as usize..label.span.end as usize);
    if label.text.is_empty() { annotation } else { annotation.label(label.text.as_str()) }
}

/// All diagnostics that were kept, an empty line between two, and how many more there are.
pub fn render_all(diagnostics: &Diagnostics, sources: &Sources, style: Style) -> String {
    let mut text = String::new();
    for diagnostic in diagnostics {
        text.push_str(&render(diagnostic, sources, style));
        text.push_str("\n\n");
    }
    match diagnostics.len() - diagnostics.iter().count() {
        0 => {}
        1 => text.push_str("one more problem is not shown\n\n"),
        more => text.push_str(&format!("{more} more problems are not shown\n\n")),
    }
    text
}

/// A diagnostic as editors read it.
#[derive(Debug, Serialize)]
pub struct JsonDiagnostic<'a> {
    severity: Severity,
    code: &'a str,
    message: &'a str,
    label: &'a str,
    #[serde(flatten)]
    place: JsonPlace<'a>,
    related: Vec<JsonRelated<'a>>,
    help: &'a [String],
}

#[derive(Debug, Serialize)]
struct JsonPlace<'a> {
    file: &'a str,
    start: LineColumn,
    end: LineColumn,
    start_byte: u32,
    end_byte: u32,
}

#[derive(Debug, Serialize)]
struct JsonRelated<'a> {
    message: &'a str,
    #[serde(flatten)]
    place: JsonPlace<'a>,
}

impl<'a> JsonDiagnostic<'a> {
    /// The diagnostic with its places resolved to lines and columns.
    pub fn new(diagnostic: &'a Diagnostic, sources: &'a Sources) -> JsonDiagnostic<'a> {
        JsonDiagnostic {
            severity: diagnostic.severity(),
            code: diagnostic.code.as_str(),
            message: &diagnostic.message,
            label: &diagnostic.primary.text,
            place: place(diagnostic.primary.span, sources),
            related: diagnostic
                .secondary
                .iter()
                .map(|label| JsonRelated { message: &label.text, place: place(label.span, sources) })
                .collect(),
            help: &diagnostic.help,
        }
    }
}

fn place(span: Span, sources: &Sources) -> JsonPlace<'_> {
    JsonPlace {
        file: &sources.file(span.file).name,
        start: sources.line_column(span.file, span.start),
        end: sources.line_column(span.file, span.end),
        start_byte: span.start,
        end_byte: span.end,
    }
}
