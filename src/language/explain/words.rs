//! The small words of English: counts, durations, lists, articles, and names as code.

use crate::event::Duration;

/// A whole number: a word up to twelve, digits with commas beyond.
pub(super) fn number(value: u64) -> String {
    const WORDS: [&str; 13] = [
        "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
        "twelve",
    ];
    let word = usize::try_from(value).ok().and_then(|index| WORDS.get(index));
    word.map_or_else(|| grouped(&value.to_string()), |word| (*word).to_owned())
}

/// The number of something in a row: `third`, `21st`.
pub(super) fn ordinal(value: u32) -> String {
    const WORDS: [&str; 13] = [
        "zeroth", "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth",
        "tenth", "eleventh", "twelfth",
    ];
    if let Some(word) = WORDS.get(value as usize) {
        return (*word).to_owned();
    }
    let ending = match (value % 100, value % 10) {
        (11..=13, _) => "th",
        (_, 1) => "st",
        (_, 2) => "nd",
        (_, 3) => "rd",
        _ => "th",
    };
    format!("{}{ending}", grouped(&value.to_string()))
}

/// How often: `once`, `twice`, `three times`.
pub(super) fn times(value: u32) -> String {
    match value {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        more => format!("{} times", number(more.into())),
    }
}

/// Digits with a comma between groups of three; what stands before and behind the digits of the whole
/// part stays as it is.
pub(super) fn grouped(digits: &str) -> String {
    let start = digits.find(|c: char| c.is_ascii_digit()).unwrap_or(0);
    let length = digits[start..].find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len() - start);
    let mut text = digits[..start].to_owned();
    for (index, digit) in digits[start..start + length].chars().enumerate() {
        // Years and short numbers read better in one piece.
        if index > 0 && length > 4 && (length - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text.push_str(&digits[start + length..]);
    text
}

/// A span of time: `1 hour 30 minutes`, `4.5 seconds`.
pub(super) fn duration(span: Duration) -> String {
    const UNITS: [(&str, u64); 3] =
        [("day", 86_400_000_000), ("hour", 3_600_000_000), ("minute", 60_000_000)];
    let mut rest = span.as_micros().unsigned_abs();
    let mut parts = Vec::new();
    for (unit, micros) in UNITS {
        if rest >= micros {
            parts.push(plural(rest / micros, unit));
            rest %= micros;
        }
    }
    let (seconds, micros) = (rest / 1_000_000, rest % 1_000_000);
    match (seconds, micros) {
        (0, 0) => {}
        (_, 0) => parts.push(plural(seconds, "second")),
        (0, _) if micros.is_multiple_of(1_000) => parts.push(plural(micros / 1_000, "millisecond")),
        (0, _) => parts.push(plural(micros, "microsecond")),
        (_, _) => {
            let decimals = format!("{micros:06}");
            parts.push(format!("{seconds}.{} seconds", decimals.trim_end_matches('0')));
        }
    }
    if parts.is_empty() { "0 seconds".to_owned() } else { parts.join(" ") }
}

/// A span of time behind an article: `day`, where [`duration`] says `1 day`.
pub(super) fn span(span: Duration) -> String {
    let text = duration(span);
    match text.strip_prefix("1 ").filter(|unit| !unit.contains(' ')) {
        Some(unit) => unit.to_owned(),
        None => text,
    }
}

/// How often something may come in a span of time: `an hour`, `every 10 minutes`.
pub(super) fn per(span: Duration) -> String {
    match duration(span).as_str() {
        "1 hour" => "an hour".to_owned(),
        other => match other.strip_prefix("1 ").filter(|unit| !unit.contains(' ')) {
            Some(unit) => format!("a {unit}"),
            None => format!("every {other}"),
        },
    }
}

/// A count in digits with its noun: `1 alert`, `2 alerts`.
pub(super) fn plural(count: u64, noun: &str) -> String {
    format!("{} {noun}{}", grouped(&count.to_string()), if count == 1 { "" } else { "s" })
}

/// `a`, `a and b`, `a, b and c`. Parts that have commas of their own are set apart by semicolons.
pub(super) fn list<T: AsRef<str>>(parts: &[T], word: &str) -> String {
    let Some((last, before)) = parts.split_last() else { return String::new() };
    let last = last.as_ref();
    if before.is_empty() {
        return last.to_owned();
    }
    let before: Vec<&str> = before.iter().map(AsRef::as_ref).collect();
    let has_comma = before.iter().any(|part| has_comma(part));
    match (has_comma, before.len()) {
        (true, _) => format!("{}; {word} {last}", before.join("; ")),
        (false, _) => format!("{} {word} {last}", before.join(", ")),
    }
}

/// Whether a text has a comma or semicolon outside of parentheses and code.
pub(super) fn has_comma(text: &str) -> bool {
    let (mut depth, mut in_code) = (0_u32, false);
    text.char_indices().any(|(at, c)| {
        match c {
            '`' => in_code = !in_code,
            '(' if !in_code => depth += 1,
            ')' if !in_code => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && !in_code && (text[at..].starts_with(", ") || text[at..].starts_with("; "))
    })
}

/// Names as code, in a list.
pub(super) fn codes<T: AsRef<str>>(names: impl IntoIterator<Item = T>, word: &str) -> String {
    let names: Vec<String> = names.into_iter().map(|name| code(name.as_ref())).collect();
    list(&names, word)
}

/// A text as code in Markdown. One that holds backquotes itself stands between more of them.
pub(super) fn code(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    // A control character could do what it likes to a terminal.
    let text = text.replace(char::is_control, " ");
    if longest > 0 || text.is_empty() {
        format!("{fence} {text} {fence}")
    } else {
        format!("{fence}{text}{fence}")
    }
}

/// `a` or `an`, as the name is spoken.
pub(super) fn article(name: &str) -> &'static str {
    let mut letters = name.trim_start_matches('_').chars().map(|c| c.to_ascii_lowercase());
    let (first, second) = (letters.next().unwrap_or('x'), letters.next());
    let is_letter_alone = second.is_none_or(|c| !c.is_ascii_alphabetic());
    let starts_open = if is_letter_alone {
        // The name of the letter is spoken: an f, an x, but a u.
        "aefhilmnorsx8".contains(first)
    } else {
        // `user` and `unit` begin like `you`.
        let like_you = ["user", "uni", "use", "usa", "uti", "ura", "one", "once", "eu"];
        let silent = ["hour", "honest"];
        let name = name.trim_start_matches('_').to_ascii_lowercase();
        silent.iter().any(|start| name.starts_with(start))
            || "aeiou".contains(first) && !like_you.iter().any(|start| name.starts_with(start))
    };
    if starts_open { "an" } else { "a" }
}

/// A sentence: with a capital letter first, unless code stands there, and a full stop at its end.
pub(super) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let Some(first) = letters.next() else { return String::new() };
    let end = if text.ends_with(['.', ':']) { "" } else { "." };
    format!("{}{}{end}", first.to_uppercase(), letters.as_str())
}

/// Several sentences, one after the other; empty ones are left out.
pub(super) fn sentences<T: AsRef<str>>(texts: &[T]) -> String {
    let texts: Vec<String> =
        texts.iter().map(|text| sentence(text.as_ref())).filter(|text| !text.is_empty()).collect();
    texts.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_numbers_are_words() {
        let shown: Vec<_> = [0, 3, 12, 13, 1_000, 10_000].map(number).into_iter().collect();
        assert_eq!(shown, ["zero", "three", "twelve", "13", "1000", "10,000"]);
        let shown: Vec<_> = [1, 3, 12, 13, 21, 22, 111, 10_003].map(ordinal).into_iter().collect();
        assert_eq!(shown, ["first", "third", "twelfth", "13th", "21st", "22nd", "111th", "10,003rd"]);
        assert_eq!([1, 2, 3].map(times), ["once", "twice", "three times"]);
        assert_eq!(["-12345.5", "1e30", "12345", "inf"].map(grouped), ["-12,345.5", "1e30", "12,345", "inf"]);
    }

    #[test]
    fn durations_are_spoken() {
        let spoken = |text| duration(Duration::parse(text).expect("a duration"));
        assert_eq!(spoken("1h30m"), "1 hour 30 minutes");
        assert_eq!(spoken("24h"), "1 day");
        assert_eq!(spoken("250ms"), "250 milliseconds");
        assert_eq!(spoken("0s"), "0 seconds");
        assert_eq!(spoken("4s500ms"), "4.5 seconds");
        assert_eq!(spoken("2d1m1s20ms"), "2 days 1 minute 1.02 seconds");
        let rate = |text| per(Duration::parse(text).expect("a duration"));
        assert_eq!(
            ["1h", "1d", "10m", "1h30m"].map(rate),
            ["an hour", "a day", "every 10 minutes", "every 1 hour 30 minutes"]
        );
    }

    #[test]
    fn lists_have_commas_and_a_last_word() {
        assert_eq!(list::<&str>(&[], "and"), "");
        assert_eq!(list(&["a"], "and"), "a");
        assert_eq!(list(&["a", "b"], "or"), "a or b");
        assert_eq!(list(&["a", "b", "c"], "and"), "a, b and c");
        assert_eq!(list(&["a, b", "c"], "and"), "a, b; and c");
        assert_eq!(list(&["(a, b)", "`x, y`", "c"], "and"), "(a, b), `x, y` and c");
    }

    #[test]
    fn articles_follow_the_sound() {
        for name in ["attempt", "auth", "early", "a", "x3", "s1", "hour_late", "unusual"] {
            assert_eq!(article(name), "an", "{name}");
        }
        for name in ["big", "user_created", "unit", "u", "b2", "eu_login", "one_more", "host"] {
            assert_eq!(article(name), "a", "{name}");
        }
    }

    #[test]
    fn code_may_hold_backquotes() {
        assert_eq!(code("a"), "`a`");
        assert_eq!(code("a`b"), "`` a`b ``");
        assert_eq!(code("a\nb"), "`a b`");
    }

    #[test]
    fn sentences_begin_large_and_end_with_a_stop() {
        assert_eq!(sentences(&["one event", "", "`a` first"]), "One event. `a` first.");
    }
}
