//! The subject lines of mails, by a template of the configuration. Pure.

use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior, Value};
use serde_json::json;

use crate::alert::notification::Notification;
use crate::sink::words;

const NAME: &str = "subject";
/// So many steps a template may take: more than any that is written in earnest.
const STEPS: u64 = 20_000;

/// A template for subject lines.
#[derive(Debug)]
pub struct Subject(Environment<'static>);

impl Subject {
    /// Reads a template.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn parse(template: &str) -> Result<Subject, String> {
        let mut environment = Environment::new();
        // What an alert does not have is nothing: alerts of several rules share a sink.
        environment.set_undefined_behavior(UndefinedBehavior::Chainable);
        environment.set_fuel(Some(STEPS));
        environment.add_template_owned(NAME, template.to_owned()).map_err(|error| in_words(&error))?;
        Ok(Subject(environment))
    }

    /// The line for a notification.
    ///
    /// # Errors
    /// Why the template cannot be filled in with it.
    pub fn line(&self, notification: &Notification) -> Result<String, String> {
        let Subject(environment) = self;
        let template = environment.get_template(NAME).map_err(|error| in_words(&error))?;
        let alert = notification.alerts.first();
        let context = json!({
            "id": notification.id,
            "status": notification.status,
            "subject": notification.subject,
            "count": notification.count,
            "group": notification.group,
            "severity": words::highest(notification).name(),
            "headline": words::headline(notification),
            "title": alert.map(|alert| &alert.title),
            "rule": alert.map(|alert| &alert.rule),
            "about": alert.and_then(|alert| alert.about.as_ref()),
            "kind": alert.map(|alert| &alert.kind),
            "tags": alert.map(|alert| &alert.tags),
            "runbook": alert.and_then(|alert| alert.runbook.as_ref()),
            "key": alert.map(|alert| &alert.key),
            "fields": alert.map(|alert| &alert.fields),
            "decided_time": alert.map(|alert| &alert.decided_time),
        });
        template.render(Value::from(Serde(context))).map_err(|error| in_words(&error))
    }
}

fn in_words(error: &minijinja::Error) -> String {
    match error.detail() {
        Some(detail) => detail.to_owned(),
        None => error.kind().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::examples::{firing, group, resolved};

    fn line(template: &str, notification: &Notification) -> Result<String, String> {
        Subject::parse(template)?.line(notification)
    }

    #[test]
    fn a_subject_line_has_what_the_alert_has() {
        let template = "[{{ severity|upper }}] {{ headline }}{% if key.card %} ({{ key.card }}){% endif %} {{ fields.none.x }}";
        let expected = "[HIGH] Card 4711 <tested> & used (4711) ";
        assert_eq!(line(template, &firing()).as_deref(), Ok(expected));
        assert_eq!(line("{{ status }} {{ rule }}", &resolved()).as_deref(), Ok("resolved card_testing"));
        assert_eq!(line("{{ count }} {{ group.rule }}", &group(3, 2)).as_deref(), Ok("3 card_testing"));
    }

    #[test]
    fn what_is_no_template_or_never_ends_is_an_error() {
        assert!(line("{{ severity", &firing()).is_err());
        assert!(
            line(
                "{% for a in range(10000) %}{% for b in range(10000) %}x{% endfor %}{% endfor %}",
                &firing()
            )
            .is_err()
        );
    }
}
