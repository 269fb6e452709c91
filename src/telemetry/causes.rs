//! What is said of an error.

/// An error with what caused it. Some libraries repeat the cause in their own text.
pub fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.ends_with(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot connect")]
    struct Plain(#[source] io::Error);

    #[derive(Debug, thiserror::Error)]
    #[error("it failed: {0}")]
    struct Telling(#[source] Plain);

    #[test]
    fn each_cause_is_told_once() {
        let refused = || Plain(io::Error::other("refused"));
        assert_eq!(causes(&refused()), "cannot connect: refused");
        assert_eq!(causes(&Telling(refused())), "it failed: cannot connect: refused");
    }
}
