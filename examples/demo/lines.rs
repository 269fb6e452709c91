//! The fields of a line of each stream, without id and time. Some are not declared in the rules:
//! real producers send more than a rule reads. With all of it a line has about 200 bytes.

/// `"name":value,` when there is a value.
fn optional(name: &str, value: Option<impl std::fmt::Display>) -> String {
    value.map_or(String::new(), |value| format!(r#""{name}":{value},"#))
}

fn quoted(text: &str) -> String {
    format!(r#""{text}""#)
}

/// A card authorisation. `entry` is how the card was read; `device` only stands with online ones.
pub fn card_auth(
    card: &str,
    merchant: &str,
    amount: f64,
    approved: bool,
    entry: Option<&str>,
    device: Option<u64>,
) -> String {
    let entry = optional("entry", entry.map(quoted));
    let device = device.map(|device| format!(r#"{{"device":{{"id":"dev-{device:08x}"}},"lang":"en"}}"#));
    let client = optional("client", device);
    format!(
        r#""card":"{card}","merchant":"{merchant}","amount":{amount:.2},"currency":"EUR","approved":{approved},{entry}{client}"terminal":"T-0417","scheme":"debit""#
    )
}

/// Where a login came from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// Country.
    pub country: &'static str,
    /// Degrees north.
    pub lat: f64,
    /// Degrees east.
    pub lon: f64,
}

/// An attempt to log in. `known` is whether the device is known, when the service can tell.
pub fn login(user: &str, ip: &str, ok: bool, known: Option<bool>, place: Option<Place>) -> String {
    let known = optional("known_device", known);
    let geo = optional(
        "geo",
        place.map(|Place { country, lat, lon }| {
            format!(r#"{{"country":"{country}","lat":{lat:.4},"lon":{lon:.4}}}"#)
        }),
    );
    format!(r#""user":"{user}","ip":"{ip}","ok":{ok},{known}{geo}"method":"password","client":"app/7.2""#)
}

/// A change of an account.
pub fn account_change(user: &str, kind: &str, via: &str) -> String {
    format!(
        r#""user":"{user}","kind":"{kind}","via":"{via}","service":"accounts","schema":"account.changed/v2","region":"eu-central""#
    )
}

/// Money leaving the platform.
pub fn payout(account: &str, amount: f64, country: &str) -> String {
    format!(
        r#""account":"{account}","amount":{amount:.2},"currency":"EUR","destination":{{"bank_country":"{country}","scheme":"sepa_instant"}},"status":"sent""#
    )
}

/// A movement on a bank account, `in` or `out`; `own` as far as the bank knows.
pub fn transfer(account: &str, direction: &str, amount: f64, own: Option<bool>) -> String {
    let own = optional("own", own);
    format!(
        r#""account":"{account}","direction":"{direction}","amount":{amount:.2},"currency":"EUR","counterparty":{{{own}"bank":"EXAMPLE7"}},"channel":"core","scheme":"sepa""#
    )
}

/// An order in the ticket shop; without an address when taken on the telephone.
pub fn ticket_order(buyer: &str, ip: Option<&str>, show: &str, quantity: i64) -> String {
    let ip = optional("ip", ip.map(quoted));
    format!(
        r#""buyer":"{buyer}",{ip}"show":"{show}","quantity":{quantity},"price":48.50,"currency":"EUR","block":"C","delivery":"phone""#
    )
}

/// A change of an order's state; the warehouse is known once stock is reserved.
pub fn order(number: u64, status: &str, amount: f64, warehouse: Option<&str>) -> String {
    let warehouse = optional("warehouse", warehouse.map(quoted));
    format!(
        r#""order":"o-{number:07}","status":"{status}","amount":{amount:.2},"currency":"EUR",{warehouse}"channel":"web","shop":"same-day","schema":"order/v3""#
    )
}

/// A message of a sensor; `kind` is `reading`, `maintenance` or `stopped`.
pub fn sensor(name: &str, kind: &str, value: Option<f64>, unit: &str) -> String {
    let value = optional("value", value.map(|value| format!("{value:.2}")));
    format!(
        r#""sensor":"{name}","kind":"{kind}",{value}"unit":"{unit}","battery":87,"rssi":-61,"gateway":"gw-3","firmware":"3.1.4""#
    )
}
