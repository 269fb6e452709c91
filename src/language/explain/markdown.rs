//! Explanations as Markdown, and the code in their texts.

use super::{Explanation, Point};

/// A piece of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Words.
    Text(&'a str),
    /// What stands between backquotes.
    Code(&'a str),
}

/// The pieces of a text of an explanation, in order, so that code can be shown in other ways than with
/// backquotes.
pub fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find('`') {
        let fence = rest[start..].len() - rest[start..].trim_start_matches('`').len();
        let body = &rest[start + fence..];
        let Some(length) = closing(body, fence) else { break };
        if start > 0 {
            pieces.push(Piece::Text(&rest[..start]));
        }
        let code = &body[..length];
        let padded = code.strip_prefix(' ').and_then(|code| code.strip_suffix(' '));
        pieces.push(Piece::Code(padded.filter(|_| fence > 1).unwrap_or(code)));
        rest = &body[length + fence..];
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest));
    }
    pieces
}

/// Where code ends that began with so many backquotes.
fn closing(body: &str, fence: usize) -> Option<usize> {
    let mut from = 0;
    loop {
        let start = from + body[from..].find('`')?;
        let length = body[start..].len() - body[start..].trim_start_matches('`').len();
        if length == fence {
            return Some(start);
        }
        from = start + length;
    }
}

impl Explanation {
    /// The whole explanation as Markdown.
    pub fn to_markdown(&self) -> String {
        let mut text = format!("# {}\n\n", super::words::code(&self.name));
        if let Some(about) = self.about.as_deref().filter(|about| !about.trim().is_empty()) {
            text.push_str(&format!("> {}\n\n", escaped(about)));
        }
        text.push_str(&self.summary);
        text.push('\n');
        for section in &self.sections {
            text.push_str(&format!("\n## {}\n\n", section.title));
            write_points(&mut text, &section.points, 0);
        }
        text
    }
}

impl Point {
    /// The point and what belongs to it as Markdown.
    pub fn to_markdown(&self) -> String {
        let mut text = self.text.clone();
        if !self.children.is_empty() {
            text.push_str("\n\n");
            write_points(&mut text, &self.children, 0);
        }
        text.trim_end().to_owned()
    }
}

fn write_points(text: &mut String, points: &[Point], indent: usize) {
    let mut count = 0;
    for point in points {
        count = if point.numbered { count + 1 } else { 0 };
        let marker = if point.numbered { format!("{count}. ") } else { "- ".to_owned() };
        text.push_str(&format!("{}{marker}{}\n", " ".repeat(indent), point.text));
        write_points(text, &point.children, indent + marker.len());
    }
}

/// A text of an author, on one line, in which nothing is Markdown.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.trim().chars() {
        match c {
            c if c.is_control() => out.push(' '),
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '|' | '~' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::words::code;
    use super::*;

    #[test]
    fn code_is_told_from_words() {
        let text = format!("{} is {} or {}", code("a"), code("x`y``z"), code("`"));
        let code = |piece: &Piece<'_>| match piece {
            Piece::Code(code) => Some((*code).to_owned()),
            Piece::Text(_) => None,
        };
        let found: Vec<String> = pieces(&text).iter().filter_map(code).collect();
        assert_eq!(found, ["a", "x`y``z", "`"]);
        assert_eq!(pieces("a `b"), [Piece::Text("a `b")]);
        assert_eq!(pieces(""), []);
    }

    #[test]
    fn what_an_author_writes_is_no_markdown() {
        assert_eq!(escaped("*a*\n<b>"), "\\*a\\* \\<b\\>");
    }
}
