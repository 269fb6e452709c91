//! Routing a second time, as simply as it can be written: lists that are searched, nothing that is stored.

use super::*;

#[derive(Clone)]
struct Pending {
    route: usize,
    labels: String,
    sinks: Vec<String>,
    alerts: Vec<Alert>,
    due: i64,
    urgent: bool,
    is_held: bool,
    acknowledged: bool,
    /// When it was last sent; it is forgotten when the interval after that is over.
    last: Option<i64>,
}

struct Waiting {
    route: usize,
    /// All of them, and those that are listed.
    all: Vec<String>,
    alerts: Vec<String>,
    count: usize,
    due: i64,
    open: String,
}

struct Open {
    name: String,
    route: usize,
    told: Option<Vec<String>>,
    members: Vec<(Alert, Option<i64>, bool)>,
}

struct Source {
    inhibit: usize,
    equal: String,
    both: bool,
    subject: String,
    until: i64,
}

/// Routing, naively. Times are seconds.
pub struct Naive {
    settings: Settings,
    seen: Vec<Alert>,
    pub silences: Vec<(Matcher, i64, i64)>,
    sources: Vec<Source>,
    pending: Vec<Pending>,
    waiting: Vec<Waiting>,
    open: Vec<Open>,
    /// What was told since it was last looked at.
    pub told: Vec<String>,
}

fn subject(alert: &Alert) -> String {
    format!("{} {:?}", alert.rule, alert.key)
}

fn secs(duration: Duration) -> i64 {
    duration.as_micros() / 1_000_000
}

impl Naive {
    pub fn new(settings: Settings) -> Naive {
        let (seen, silences, sources, pending) = Default::default();
        Naive {
            settings,
            seen,
            silences,
            sources,
            pending,
            waiting: Vec::new(),
            open: Vec::new(),
            told: Vec::new(),
        }
    }

    fn tell(&mut self, status: &str, count: usize, ids: &[String], sinks: &[String]) {
        self.told.push(format!("{status} {count}: {} to {}", ids.join(" "), sinks.join(" ")));
    }

    fn is_held(&self, alert: &Alert, now: i64) -> bool {
        let facts = Facts::of(alert);
        let is_silenced = self
            .silences
            .iter()
            .any(|(about, from, to)| (*from..*to).contains(&now) && about.check(&facts).is_ok());
        is_silenced
            || (0..).zip(&self.settings.inhibit).any(|(number, inhibit)| {
                inhibit.target.check(&facts).is_ok()
                    && self.sources.iter().any(|source| {
                        let both = inhibit.source.check(&facts).is_ok();
                        source.inhibit == number
                            && source.until > now
                            && source.equal == equal(inhibit, &facts)
                            && !(both && source.both)
                    })
            })
    }

    /// Until when it is quiet, if it is: the tests' hours are every day, in UTC.
    fn quiet_until(route: &Route, now: i64) -> Option<i64> {
        let hours = &route.quiet.as_ref()?.hours[0];
        let (day, minute) = (now.div_euclid(86_400), now.rem_euclid(86_400) / 60);
        let (from, to) = (i64::from(hours.from), i64::from(hours.to));
        match (minute >= from, minute < to) {
            (true, _) => Some((day + 1) * 86_400 + to * 60),
            (_, true) => Some(day * 86_400 + to * 60),
            _ => None,
        }
    }

    pub fn offer(&mut self, alert: &Alert, now: i64) {
        if self.seen.iter().any(|seen| seen.id == alert.id) {
            return;
        }
        self.seen.push(alert.clone());
        let facts = Facts::of(alert);
        for open in &mut self.open {
            let resolve = self.settings.routes[open.route].resolve.as_ref().expect("it is followed");
            if resolve.by.iter().any(|by| by.fits(&alert.rule)) {
                let same = |other: &Alert| other.key == alert.key && subject(other) != subject(alert);
                open.members.iter_mut().filter(|member| same(&member.0)).for_each(|member| member.2 = true);
            }
        }
        let is_held = self.is_held(alert, now);
        for (number, inhibit) in (0..).zip(&self.settings.inhibit) {
            if inhibit.source.check(&facts).is_ok() {
                let (equal, both) = (equal(inhibit, &facts), inhibit.target.check(&facts).is_ok());
                self.sources.retain(|source| {
                    !(source.inhibit == number && source.equal == equal && source.both == both)
                });
                let until = now + secs(inhibit.lasts);
                self.sources.push(Source { inhibit: number, equal, both, subject: subject(alert), until });
            }
        }
        if !is_held {
            self.route(alert, &facts, now);
        }
        self.settle();
    }

    fn route(&mut self, alert: &Alert, facts: &Facts, now: i64) {
        let (mut sent, mut is_taken) = (Vec::new(), false);
        for (number, route) in self.settings.routes.clone().iter().enumerate() {
            if route.matcher.check(facts).is_err() {
                continue;
            }
            is_taken = true;
            let sinks = route.sinks.clone().unwrap_or_else(|| alert.sinks.to_vec());
            self.take(number, route, alert, sinks, &mut sent, now);
            if !route.goes_on {
                break;
            }
        }
        if !is_taken {
            self.tell("firing", 1, std::slice::from_ref(&alert.id), &alert.sinks);
        }
    }

    fn take(
        &mut self,
        number: usize,
        route: &Route,
        alert: &Alert,
        sinks: Vec<String>,
        sent: &mut Vec<String>,
        now: i64,
    ) {
        let urgent = route.quiet.is_none() || alert.severity == Severity::Critical;
        let until = Naive::quiet_until(route, now).filter(|_| !urgent);
        let instead = until.and(route.quiet.as_ref().and_then(|quiet| quiet.instead.clone()));
        if instead.is_some() || route.group.is_none() && until.is_none() {
            let sinks = instead.unwrap_or(sinks);
            let new: Vec<String> = sinks.into_iter().filter(|sink| !sent.contains(sink)).collect();
            if !new.is_empty() {
                sent.extend(new.clone());
                self.tell("firing", 1, std::slice::from_ref(&alert.id), &new);
                let open = format!("{number} {}", subject(alert));
                self.follow(number, &open, alert, Some(new), now);
                let ids = vec![alert.id.clone()];
                self.wait(number, ids.clone(), ids, 1, open, now);
            }
            return;
        }
        let labels = match &route.group {
            Some(group) => {
                format!("{:?}", group.by.iter().map(|name| value(name, alert)).collect::<Vec<_>>())
            }
            None => "quiet".to_owned(),
        };
        let (wait, interval) =
            route.group.as_ref().map_or((0, 0), |group| (secs(group.wait), secs(group.interval)));
        self.follow(number, &format!("{number} group {labels} {sinks:?}"), alert, None, now);
        let place = self
            .pending
            .iter()
            .position(|group| group.route == number && group.labels == labels && group.sinks == sinks);
        let place = place.unwrap_or_else(|| {
            let (sinks, alerts) = (sinks.clone(), Vec::new());
            let new = Pending {
                route: number,
                labels,
                sinks,
                alerts,
                due: 0,
                urgent: false,
                is_held: false,
                acknowledged: false,
                last: None,
            };
            self.pending.push(new);
            self.pending.len() - 1
        });
        let group = &mut self.pending[place];
        if group.alerts.is_empty() {
            let next = group.last.map_or(now + wait, |last| last + interval);
            group.due = next.max(until.unwrap_or(next));
            group.is_held = until.is_some_and(|until| until >= next);
            (group.urgent, group.acknowledged) = (false, false);
        } else {
            match until {
                Some(until) if !group.urgent => {
                    group.is_held = until >= group.due;
                    group.due = group.due.max(until);
                }
                _ if urgent && group.is_held => {
                    group.due = group.due.min(now + wait);
                    group.is_held = false;
                }
                _ => group.is_held = false,
            }
        }
        group.urgent |= urgent;
        group.alerts.push(alert.clone());
    }

    fn follow(&mut self, route: usize, name: &str, alert: &Alert, told: Option<Vec<String>>, now: i64) {
        let Some(resolve) = self.settings.routes[route].resolve.clone() else { return };
        let place = self.open.iter().position(|open| open.name == name).unwrap_or_else(|| {
            self.open.push(Open { name: name.to_owned(), route, told: None, members: Vec::new() });
            self.open.len() - 1
        });
        let open = &mut self.open[place];
        open.members.retain(|member| subject(&member.0) != subject(alert));
        open.members.push((alert.clone(), resolve.after.map(|after| now + secs(after)), false));
        if let Some(told) = told {
            self.told_of(name, &told);
        }
    }

    fn told_of(&mut self, name: &str, sinks: &[String]) {
        for open in self.open.iter_mut().filter(|open| open.name == name) {
            let told = open.told.get_or_insert_default();
            told.extend(sinks.iter().filter(|sink| !told.contains(sink)).cloned().collect::<Vec<_>>());
        }
    }

    fn wait(
        &mut self,
        route: usize,
        all: Vec<String>,
        alerts: Vec<String>,
        count: usize,
        open: String,
        now: i64,
    ) {
        if let Some(escalate) = &self.settings.routes[route].escalate {
            let due = now + secs(escalate.after);
            self.waiting.push(Waiting { route, all, alerts, count, due, open });
        }
    }

    pub fn tick(&mut self, now: i64) {
        // One after another in the order of time, and of one time first what is over, then groups.
        loop {
            let over = self.open.iter().flat_map(|open| &open.members);
            let over = over.filter(|member| !member.2).filter_map(|member| Some((member.1?, 0)));
            let groups =
                self.pending.iter().filter(|group| !group.alerts.is_empty()).map(|group| (group.due, 1));
            let waiting = self.waiting.iter().map(|waiting| (waiting.due, 2));
            let next = over.chain(groups).chain(waiting).filter(|(due, _)| *due <= now).min();
            match next {
                None => break,
                Some((due, 0)) => {
                    let members = self.open.iter_mut().flat_map(|open| &mut open.members);
                    members.filter(|member| member.1 == Some(due)).for_each(|member| member.2 = true);
                }
                Some((due, 1)) => {
                    let ready = |group: &Pending| !group.alerts.is_empty() && group.due == due;
                    let place = self.pending.iter().position(ready).expect("it was just seen");
                    self.flush(place, now);
                }
                Some((due, _)) => {
                    let place =
                        self.waiting.iter().position(|waiting| waiting.due == due).expect("just seen");
                    let waiting = self.waiting.remove(place);
                    let to = self.settings.routes[waiting.route].escalate.clone().expect("it waited").to;
                    self.tell("firing", waiting.count, &waiting.alerts, &to);
                    self.told_of(&waiting.open, &to);
                }
            }
        }
        self.settle();
        self.pending.retain(|group| {
            let interval =
                self.settings.routes[group.route].group.as_ref().map_or(0, |group| secs(group.interval));
            !group.alerts.is_empty() || group.last.is_some_and(|last| last + interval > now)
        });
        self.sources.retain(|source| source.until > now);
    }

    fn flush(&mut self, place: usize, now: i64) {
        let group = self.pending[place].clone();
        let route = self.settings.routes[group.route].clone();
        let mut sinks = group.sinks.clone();
        if let Some(until) = Naive::quiet_until(&route, now).filter(|_| !group.urgent) {
            match route.quiet.as_ref().and_then(|quiet| quiet.instead.clone()) {
                Some(instead) => sinks = instead,
                None => {
                    (self.pending[place].due, self.pending[place].is_held) = (until, true);
                    return;
                }
            }
        }
        self.pending[place].alerts.clear();
        let most = route.group.as_ref().map_or(100, |group| group.most);
        let listed: Vec<&Alert> = group.alerts.iter().take(most).collect();
        let name = format!("{} group {} {:?}", group.route, group.labels, group.sinks);
        let (held, ready): (Vec<&Alert>, Vec<&Alert>) =
            listed.iter().partition(|alert| self.is_held(alert, now));
        let count = if ready.is_empty() { 0 } else { group.alerts.len() - held.len() };
        for alert in held {
            let untold = self.open.iter_mut().filter(|open| open.name == name && open.told.is_none());
            untold.for_each(|open| open.members.retain(|member| member.0.id != alert.id));
        }
        if count == 0 {
            self.open.retain(|open| open.name != name || open.told.is_some());
            return;
        }
        self.pending[place].last = Some(now);
        let ids: Vec<String> = ready.iter().map(|alert| alert.id.clone()).collect();
        self.tell("firing", count, &ids, &sinks);
        self.told_of(&name, &sinks);
        if !group.acknowledged {
            let all = group.alerts.iter().map(|alert| alert.id.clone()).collect();
            self.wait(group.route, all, ids, count, name, now);
        }
    }

    fn settle(&mut self) {
        let is_over = |open: &Open, pending: &[Pending]| {
            let waits = pending.iter().any(|group| {
                let name = format!("{} group {} {:?}", group.route, group.labels, group.sinks);
                name == open.name && !group.alerts.is_empty()
            });
            open.told.is_some() && !waits && open.members.iter().all(|member| member.2)
        };
        while let Some(place) = self.open.iter().position(|open| is_over(open, &self.pending)) {
            let Open { name, told, mut members, .. } = self.open.remove(place);
            self.waiting.retain(|waiting| waiting.open != name);
            members.sort_by_key(|member| member.0.id.clone());
            let gone: Vec<String> = members.iter().map(|member| subject(&member.0)).collect();
            self.sources.retain(|source| !gone.contains(&source.subject));
            let ids: Vec<String> = members.iter().map(|member| member.0.id.clone()).collect();
            if !ids.is_empty() {
                self.tell("resolved", ids.len(), &ids, &told.unwrap_or_default());
            }
        }
    }

    pub fn acknowledge(&mut self, id: &str) {
        // All that one notification tells of is seen with it.
        self.waiting.retain(|waiting| !waiting.all.iter().any(|alert| alert == id));
        for group in &mut self.pending {
            group.acknowledged |= group.alerts.iter().any(|alert| alert.id == id);
        }
    }

    pub fn resolve(&mut self, id: &str) {
        self.waiting.retain(|waiting| !waiting.all.iter().any(|alert| alert == id));
        let Some(meant) = self.seen.iter().find(|alert| alert.id == id).map(subject) else { return };
        for member in self.open.iter_mut().flat_map(|open| &mut open.members) {
            member.2 |= subject(&member.0) == meant;
        }
        self.sources.retain(|source| source.subject != meant);
        self.settle();
    }
}

fn equal(inhibit: &Inhibit, facts: &Facts) -> String {
    format!("{:?}", inhibit.equal.iter().map(|name| facts.value(name)).collect::<Vec<_>>())
}

fn value(name: &GroupName, alert: &Alert) -> String {
    match name {
        GroupName::Rule => alert.rule.to_string(),
        GroupName::Severity => alert.severity.name().to_owned(),
        GroupName::Key => format!("{:?}", alert.key),
        GroupName::Kind => alert.kind.name().to_owned(),
        GroupName::Field(name) => format!("{:?}", Facts::of(alert).value(name)),
    }
}
