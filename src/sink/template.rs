//! Texts made by a template (minijinja) of what is to be told: bodies, subject lines.
//!
//! A template sees a [`Notification`]: `id`, `status`, `subject`, `group`, `count`, `alerts`; `headline` and `severity`, the
//! highest, which sum it up; `alert`, the first of the alerts, and what that has of these by itself: `title`, `key`, `fields`, ….
//! What a rule may have and has not, such as a field, is nothing. Templates come from the configuration, and still may not
//! hold anything up: steps and bytes are bounded.

use std::io::{self, Write};

use minijinja::{AutoEscape, Environment, ErrorKind, UndefinedBehavior, Value, value::Serde};

use crate::alert::notification::Notification;

use super::words;

/// The most steps of a template.
const FUEL: u64 = 1_000_000;
/// The most bytes that it makes.
const MOST: usize = 4 << 20;
/// How deep parts of it may be in each other.
const DEPTH: usize = 50;
const NAME: &str = "template";

/// A template.
#[derive(Clone, Debug)]
pub struct Template {
    environment: Environment<'static>,
    text: String,
}

/// What a template makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Makes {
    /// JSON: values are written as JSON, texts with their quotation marks.
    Json,
    /// Something else: values are written as they are.
    Text,
}

/// Why a template cannot be used, or not for what is to be told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TemplateError(String);

impl Template {
    /// Reads a template and tries it with a sample.
    ///
    /// # Errors
    /// When it is none, or does not work.
    pub fn new(text: &str, makes: Makes, sample: &Notification) -> Result<Template, TemplateError> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Chainable);
        environment.set_fuel(Some(FUEL));
        environment.set_recursion_limit(DEPTH);
        environment.set_auto_escape_callback(move |_| match makes {
            Makes::Json => AutoEscape::Json,
            Makes::Text => AutoEscape::None,
        });
        environment.add_template_owned(NAME, text.to_owned()).map_err(|error| say(&error))?;
        let template = Template { environment, text: text.to_owned() };
        let made = template.render(sample)?;
        if makes == Makes::Json
            && let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(&made)
        {
            let why = "what it makes of a sample is no JSON";
            let help = "texts get their quotation marks by themselves; for something else, set `Content-Type` in `headers`";
            return Err(TemplateError(format!("{why} ({error}): {help}")));
        }
        Ok(template)
    }

    /// What it makes of a notification.
    ///
    /// # Errors
    /// When it fails, or takes or makes too much.
    pub fn render(&self, notification: &Notification) -> Result<String, TemplateError> {
        let value = serde_json::to_value(notification).map_err(|error| TemplateError(error.to_string()))?;
        let value = Value::from(Serde(value));
        let first =
            value.get_attr("alerts").and_then(|alerts| alerts.get_item_by_index(0)).unwrap_or_default();
        let own = minijinja::context! {
            alert => first.clone(),
            headline => words::headline(notification),
            severity => words::highest(notification).name(),
        };
        // What comes first goes before what has the same name: `id` is that of the notification.
        let context = minijinja::context! { ..own, ..value, ..first };
        let template = self.environment.get_template(NAME).map_err(|error| say(&error))?;
        let mut text = Bounded(Vec::new());
        template.render_captured_to(context, &mut text).map_err(|error| say(&error))?;
        String::from_utf8(text.0).map_err(|error| TemplateError(error.to_string()))
    }
}

/// The same text makes the same.
impl PartialEq for Template {
    fn eq(&self, other: &Template) -> bool {
        self.text == other.text
    }
}

impl Eq for Template {}

fn say(error: &minijinja::Error) -> TemplateError {
    let line = error.line().map(|line| format!("line {line}: ")).unwrap_or_default();
    let why = match error.kind() {
        ErrorKind::OutOfFuel => format!("it takes more than {FUEL} steps"),
        ErrorKind::WriteFailure => format!("it makes more than {} MiB", MOST >> 20),
        kind => error.detail().map_or_else(|| kind.to_string(), |detail| format!("{kind}: {detail}")),
    };
    TemplateError(format!("{line}{why}"))
}

/// Takes so many bytes and no more.
struct Bounded(Vec<u8>);

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > MOST {
            return Err(io::Error::other("it is too long"));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::examples::{firing, group, resolved};
    use crate::sink::sample;

    fn made(text: &str, makes: Makes) -> Result<String, String> {
        let sample = sample::notification("i");
        Template::new(text, makes, &sample)
            .and_then(|template| template.render(&sample))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn json_is_made_of_values_as_they_are() {
        let text = r#"{"text": {{ "[" ~ alert.severity ~ "] " ~ alert.title }}, "n": {{ count }}, "none": {{ alert.fields.nothing.at.all }},
            "tags": {{ alert.tags }}, "first": {{ alerts[0].id }}}"#;
        let made: serde_json::Value =
            serde_json::from_str(&made(text, Makes::Json).expect("it works")).expect("JSON");
        assert_eq!(made["text"], "[info] A \"test\" from Tripline: nothing is the matter");
        assert_eq!(
            (&made["n"], &made["none"], &made["first"]),
            (&1.into(), &serde_json::Value::Null, &"i".into())
        );
    }

    #[test]
    fn other_texts_are_made_as_they_are_written() {
        let made =
            made("{% for alert in alerts %}{{ alert.rule }}: {{ alert.title }}\n{% endfor %}", Makes::Text);
        assert_eq!(
            made.expect("it works"),
            "tripline_test: A \"test\" from Tripline: nothing is the matter\n"
        );
    }

    #[test]
    fn what_the_first_alert_has_needs_no_more_words() {
        let line = |text, notification: &Notification| {
            let template = Template::new(text, Makes::Text, notification).expect("it works");
            template.render(notification).expect("it works")
        };
        let text = "[{{ severity|upper }}] {{ headline }}{% if key.card %} ({{ key.card }}){% endif %} {{ fields.none.x }}";
        assert_eq!(line(text, &firing()), "[HIGH] Card 4711 <tested> & used (4711) ");
        assert_eq!(
            line("{{ status }} {{ rule }} {{ id }}", &resolved()),
            format!("resolved card_testing {}", resolved().id)
        );
        assert_eq!(line("{{ count }} {{ group.rule }}", &group(3, 2)), "3 card_testing");
    }

    #[test]
    fn what_does_not_work_is_said_at_once() {
        let wrong = |text: &str, makes| made(text, makes).expect_err(text);
        assert!(wrong("{{ alert.title", Makes::Text).starts_with("line 1: syntax error"));
        assert!(wrong("\n{{ alert.title | shout }}", Makes::Text).contains("line 2: unknown filter"));
        assert!(wrong(r#"{"text": "{{ alert.title }}"}"#, Makes::Json).contains("no JSON"));
        let endless = "{% for a in range(9000) %}{% for b in range(9000) %}{{ b }}{% endfor %}{% endfor %}";
        assert!(wrong(endless, Makes::Text).contains("more than 1000000 steps"));
        let long = "{% set x = \"x\" * 100000 %}{% for a in range(100) %}{{ x }}{% endfor %}";
        assert!(wrong(long, Makes::Text).contains("more than 4 MiB"));
    }
}
