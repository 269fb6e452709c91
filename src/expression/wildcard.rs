//! `like` patterns: `*` stands for any text, `?` for any one character.

/// A compiled `like` pattern. It is matched in time linear in the text for each `*`, by the usual
/// two-pointer method that goes back to the last `*` only.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Wildcard {
    pattern: Vec<char>,
    text: String,
}

impl Wildcard {
    /// Compiles a pattern; every text is one.
    pub fn new(pattern: &str) -> Wildcard {
        Wildcard { pattern: pattern.chars().collect(), text: pattern.to_owned() }
    }

    /// The pattern as written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the whole of `text` fits.
    pub fn is_match(&self, text: &str) -> bool {
        let mut rest = text.chars();
        let mut at = 0;
        // Where to go on after the last `*`: (place in the pattern, text not yet given to the `*`).
        let mut retry: Option<(usize, std::str::Chars<'_>)> = None;
        loop {
            let before = rest.clone();
            match (self.pattern.get(at), rest.next()) {
                (None, None) => return true,
                (Some('*'), _) => {
                    rest = before.clone();
                    at += 1;
                    retry = Some((at, before));
                    if at == self.pattern.len() {
                        return true;
                    }
                }
                (Some('?'), Some(_)) => at += 1,
                (Some(wanted), Some(found)) if *wanted == found => at += 1,
                _ => {
                    let Some((after_star, mut from)) = retry.take() else { return false };
                    if from.next().is_none() {
                        return false;
                    }
                    at = after_star;
                    rest = from.clone();
                    retry = Some((after_star, from));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Wildcard;

    #[test]
    fn stars_and_question_marks() {
        for (pattern, text, fits) in [
            ("abc*", "abcdef", true),
            ("abc*", "abc", true),
            ("abc*", "xabc", false),
            ("*@*.example", "a@b.example", true),
            ("*a*b", "xaxxb", true),
            ("*a*b", "xaxxbc", false),
            ("?", "ü", true),
            ("?", "", false),
            ("", "", true),
            ("*", "", true),
            ("**", "x", true),
            ("a?c*", "abcd", true),
        ] {
            assert_eq!(Wildcard::new(pattern).is_match(text), fits, "{pattern} on {text}");
        }
    }
}
