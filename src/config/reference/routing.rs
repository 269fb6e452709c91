//! The keys of routing.

use super::{Missing, Section, Takes, key};

/// `[[routes]]`.
pub static ROUTES: Section = Section {
    title: "`[[routes]]`",
    about: "Where alerts go. An alert comes to the routes in the order in which they stand here, and takes the first that \
            matches it, or several with `continue`. One that takes none goes where its rule says, or to `default_sinks`; \
            without any route all do. [Routing](routing.md) has the details, with an example.",
    keys: &[
        key("name", Takes::Text, Missing::Nothing, "What the route is called in decisions; otherwise `route 1` and so on. What \
             waits is kept by this name over a restart.").like("\"oncall\""),
        key("match", Takes::Table, Missing::Nothing, "Which alerts take it: see below. Without it, all do.")
            .like("{ severity = \">= high\" }"),
        key("sinks", Takes::Names, Missing::Nothing, "Where they go. Without it, where their rules say; `[]` is nowhere."),
        key("continue", Takes::Flag, Missing::Is("false"), "Whether alerts that take it come to the routes behind it too."),
        key("group_by", Takes::Names, Missing::Nothing, "Alerts that are equal in these are sent together as one notification: \
             `rule`, `severity`, `kind`, `key` (the whole key), and names of parts of the key and of fields. `[]` puts all \
             alerts of the route together. Without it, each alert is sent by itself.")
            .like("[\"rule\", \"merchant\"]"),
        key("group_wait", Takes::Duration("0s", "1d"), Missing::Is("30s"), "How long after its first alert a group is sent."),
        key("group_interval", Takes::Duration("1s", "7d"), Missing::Is("5m"), "How long after a group was sent its next alerts are."),
        key("max_group", Takes::Count(1, 1_000), Missing::Is("100"), "How many alerts of a group are listed; more are counted. \
             Together they have 1 MiB at most."),
        key("quiet", Takes::Table, Missing::Nothing, "When they are not to disturb: see below.").like("{ hours = [\"nights\"] }"),
        key("escalate", Takes::Table, Missing::Nothing, "What happens if nobody acknowledges: see below.")
            .like("{ after = \"15m\", to = [\"phone\"] }"),
        key("resolve", Takes::Table, Missing::Nothing, "When sinks are told that it is over: see below. Without it, they are not.")
            .like("{ after = \"1h\" }"),
    ],
    shared: &[],
};

/// `match`, `source` and `target`.
pub static MATCH: Section = Section {
    title: "`match` of a route, `source` and `target` of an inhibition",
    about: "Everything that is said has to hold. Texts may have `*` for any letters and `?` for one; `[*]` is a star itself.",
    keys: &[
        key(
            "severity",
            Takes::Text,
            Missing::Nothing,
            "A severity, perhaps with `=`, `!=`, `<`, `<=`, `>` or `>=` before it.",
        )
        .like("\">= high\""),
        key("rules", Takes::Names, Missing::Nothing, "Names of rules, one of which fits.")
            .like("[\"card_*\"]"),
        key("tags", Takes::Names, Missing::Nothing, "Tags, all of which the rule has.").like("[\"fraud\"]"),
        key("kinds", Takes::Names, Missing::Nothing, "`match`, `timeout`, `limit`: why the alert was made.")
            .like("[\"match\"]"),
        key(
            "fields",
            Takes::Table,
            Missing::Nothing,
            "Values of parts of the key and of fields by name: a value, or a list of which \
             one fits. Where both have the name, the key is meant; `key.x` and `fields.x` say which.",
        )
        .like("{ merchant = [\"acme\", \"shop-*\"] }"),
    ],
    shared: &[],
};

/// `quiet` of a route.
pub static ROUTE_QUIET: Section = Section {
    title: "`quiet` of a route",
    about: "In these hours alerts wait for their end and are sent as one notification, or go to other sinks at once.",
    keys: &[
        key("hours", Takes::Names, Missing::Mistake, "Names of `[quiet_hours.NAME]`.")
            .like("[\"nights\", \"weekends\"]"),
        key(
            "to",
            Takes::Names,
            Missing::Nothing,
            "The sinks that alerts go to in these hours. Without it, they wait.",
        ),
        key(
            "critical",
            Takes::Flag,
            Missing::Is("false"),
            "Whether this holds for alerts of severity `critical` too. Otherwise they \
             go out at once, with what waits in their group.",
        ),
    ],
    shared: &[],
};

/// `escalate` of a route.
pub static ESCALATE: Section = Section {
    title: "`escalate` of a route",
    about: "What was sent waits for `tripline alerts ack`. If nobody comes in time, it goes to other sinks as well.",
    keys: &[
        key("after", Takes::Duration("1s", "7d"), Missing::Mistake, "How long it waits.").like("\"15m\""),
        key("to", Takes::Names, Missing::Mistake, "The sinks that it goes to then.").like("[\"phone\"]"),
    ],
    shared: &[],
};

/// `resolve` of a route.
pub static RESOLVE: Section = Section {
    title: "`resolve` of a route",
    about: "When sinks are told that what they were told of is over; by `tripline alerts resolve` in any case, so that `{}` is \
            enough for that alone.",
    keys: &[
        key(
            "after",
            Takes::Duration("1s", "30d"),
            Missing::Nothing,
            "When for so long no other alert of the rule and key has come.",
        )
        .like("\"1h\""),
        key(
            "by",
            Takes::Names,
            Missing::Nothing,
            "Names of rules, as in `match`: an alert of one of them says it for the same key.",
        )
        .like("[\"service_up\"]"),
    ],
    shared: &[],
};

/// `[[inhibit]]`.
pub static INHIBIT: Section = Section {
    title: "`[[inhibit]]`",
    about: "Alerts that make others needless: for a time after an alert that matches `source`, none is sent that matches `target`.",
    keys: &[
        key(
            "name",
            Takes::Text,
            Missing::Nothing,
            "What it is called in decisions; otherwise `inhibition 1` and so on.",
        )
        .like("\"site_down\""),
        key("source", Takes::Table, Missing::Mistake, "The alerts that hold back, as in `match` of a route.")
            .like("{ rules = [\"site_down\"] }"),
        key("target", Takes::Table, Missing::Mistake, "Those that are held back.")
            .like("{ severity = \"< critical\" }"),
        key(
            "equal",
            Takes::Names,
            Missing::Nothing,
            "Parts of the key or fields that have to be equal; what neither has is.",
        )
        .like("[\"site\"]"),
        key(
            "for",
            Takes::Duration("1s", "30d"),
            Missing::Is("1h"),
            "How long after the last source, if it is not resolved before.",
        ),
    ],
    shared: &[],
};

/// `[quiet_hours.NAME]`.
pub static QUIET_HOURS: Section = Section {
    title: "`[quiet_hours.NAME]`",
    about: "Hours in which people are not to be disturbed, for `quiet` of routes.",
    keys: &[
        key(
            "days",
            Takes::Names,
            Missing::Nothing,
            "The days on which they begin: `mon`, `tue`, `wed`, `thu`, `fri`, `sat`, `sun`. Without \
             it, every day.",
        )
        .like("[\"sat\", \"sun\"]"),
        key("from", Takes::Text, Missing::Mistake, "When they begin.").like("\"22:00\""),
        key(
            "to",
            Takes::Text,
            Missing::Mistake,
            "When they end; if that is not later than `from`, on the next day. `24:00` is the end of \
             the day.",
        )
        .like("\"07:00\""),
        key("zone", Takes::Text, Missing::Nothing, "The time zone, by its name. Without it, UTC.")
            .like("\"Europe/Berlin\""),
    ],
    shared: &[],
};
