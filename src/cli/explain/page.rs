//! What docs/errors.md says of a code.

use crate::diagnostic::Code;

use super::layout::Layout;

/// The page that has a section for every code.
const PAGE: &str = include_str!("../../../docs/errors.md");

/// The section of a code as Markdown. A code that the page has nothing on yet has what it stands for.
pub fn markdown(code: Code) -> String {
    let head = format!("### {code}: ");
    let Some(start) = PAGE.find(&head) else {
        return format!("{head}{}\n", code.summary());
    };
    let body = &PAGE[start + head.len()..];
    let end = ["\n## ", "\n### "].iter().filter_map(|next| body.find(next)).min().unwrap_or(body.len());
    format!("{head}{}\n", body[..end].trim_end())
}

/// The section of a code for a terminal: the words, the wrong example and the right one.
pub fn text(code: Code, layout: &Layout) -> String {
    let page = markdown(code);
    let mut lines = page.lines();
    let title = lines.next().unwrap_or_default().trim_start_matches('#').trim();
    let mut text = format!("{}\n", layout.heading(title));
    let mut paragraph = String::new();
    while let Some(line) = lines.next() {
        let fence = line.strip_prefix("```");
        if line.is_empty() || fence.is_some() {
            finish(&mut text, &mut paragraph, layout);
        } else {
            paragraph.push_str(line);
            paragraph.push(' ');
        }
        if let Some(language) = fence {
            text.push_str(&format!("\n{}\n\n", layout.heading(&label(language))));
            for code in lines.by_ref().take_while(|line| !line.starts_with("```")) {
                text.push_str(format!("    {code}").trim_end());
                text.push('\n');
            }
        }
    }
    finish(&mut text, &mut paragraph, layout);
    text
}

/// Adds a paragraph, if there is one.
fn finish(text: &mut String, paragraph: &mut String, layout: &Layout) {
    if !paragraph.is_empty() {
        text.push('\n');
        text.push_str(&layout.paragraph(without_links(paragraph.trim()).as_str()));
        paragraph.clear();
    }
}

/// What stands above an example.
fn label(language: &str) -> String {
    let mut words = language.split(' ');
    let wrong = words.next().is_some_and(|kind| kind.ends_with("-error"));
    let repeat = words.find_map(|word| word.strip_prefix("repeat="));
    match (wrong, repeat) {
        (true, Some(count)) => format!("Wrong ({count} times):"),
        (true, None) => "Wrong:".to_owned(),
        (false, _) => "Right:".to_owned(),
    }
}

/// The text with what links say in place of the links.
fn without_links(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(middle) = rest.find("](") {
        let (before, after) = (&rest[..middle], &rest[middle + 2..]);
        match (before.rfind('['), after.find(')')) {
            (Some(start), Some(end)) => {
                out.push_str(&before[..start]);
                out.push_str(&before[start + 1..]);
                rest = &after[end + 1..];
            }
            _ => {
                out.push_str(before);
                out.push_str("](");
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::codes;

    #[test]
    fn a_section_is_told_in_words_and_examples() {
        let shown = text(codes::E0105, &Layout::plain(80));
        let expected = "E0105: an unknown function\n\n\
             The functions are in functions.md; others are defined with `def`.\n\n\
             Wrong:\n\n    event other = auth where lowercase(merchant) == \"shop\"\n\n\
             Right:\n\n    event other = auth where lower(merchant) == \"shop\"\n";
        assert_eq!(shown, expected);
    }

    #[test]
    fn links_are_told_by_their_words() {
        assert_eq!(without_links("see [a](b.md) and [c](d#e)."), "see a and c.");
        assert_eq!(without_links("x[1](2"), "x[1](2");
    }
}
