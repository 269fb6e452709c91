//! Functions of places on the earth.

use crate::event::{Type, Value};

use super::{Family, Function, Signature};

pub(super) static FAMILY: Family = Family { title: "Geography", notes: "", functions: &[&DISTANCE_KM] };

/// The earth's mean radius R1 in kilometres.
///
/// Source: H. Moritz, "Geodetic Reference System 1980", Journal of Geodesy 74 (2000), 128–133, for
/// the ellipsoid; R1 = (2a + b) / 3 of WGS 84, to the decimetre.
const RADIUS_KM: f64 = 6_371.008_8;

pub(super) static DISTANCE_KM: Function = Function {
    name: "distance_km",
    summary: "The great-circle distance in kilometres between two places given by latitude and longitude in \
              degrees, north and east positive, on a sphere of radius 6371.0088 km; within 0.6 % of the true \
              distance. A longitude may count from -180 or from 0. Null where a latitude lies outside -90 to 90.",
    signatures: &[Signature {
        parameters: &[
            ("lat1", Type::Float),
            ("lon1", Type::Float),
            ("lat2", Type::Float),
            ("lon2", Type::Float),
        ],
        optional: 0,
        result: Type::Float,
    }],
    examples: &[
        ("round(distance_km(52.52, 13.405, 48.8566, 2.3522))", "877"),
        ("distance_km(40.7, -74, 40.7, -74)", "0.0"),
        ("distance_km(91, 0, 0, 0)", "null"),
    ],
    evaluate: |arguments| match arguments {
        [lat1, lon1, lat2, lon2] => match [lat1, lon1, lat2, lon2].map(Value::as_f64) {
            [Some(lat1), Some(lon1), Some(lat2), Some(lon2)] => distance_km(lat1, lon1, lat2, lon2),
            _ => Value::Null,
        },
        _ => Value::Null,
    },
    check: Some(check),
};

/// The haversine formula.
///
/// Source: R. W. Sinnott, "Virtues of the Haversine", Sky and Telescope 68 (1984), 159. Unlike the
/// law of cosines it is exact for places close together.
fn distance_km(lat1: f64, lon1: f64, lat2: f64, lon2: f64) -> Value {
    if !is_latitude(lat1) || !is_latitude(lat2) {
        return Value::Null;
    }
    let (phi1, phi2) = (lat1.to_radians(), lat2.to_radians());
    let half = |from: f64, to: f64| ((to - from) / 2.0).sin();
    let h = half(phi1, phi2).powi(2)
        + phi1.cos() * phi2.cos() * half(lon1.to_radians(), lon2.to_radians()).powi(2);
    // Rounding may carry antipodes a hair above 1, where the arc sine has no value.
    Value::float(2.0 * RADIUS_KM * h.sqrt().min(1.0).asin())
}

fn is_latitude(degrees: f64) -> bool {
    (-90.0..=90.0).contains(&degrees)
}

/// Finds constant latitudes that are none, most often because the two numbers are swapped.
fn check(arguments: &[Option<Value>]) -> Result<(), (usize, String)> {
    for index in [0, 2] {
        let degrees = arguments.get(index).and_then(Option::as_ref).and_then(Value::as_f64);
        if let Some(degrees) = degrees
            && !is_latitude(degrees)
        {
            let message =
                format!("a latitude lies between -90 and 90, {degrees} does not; latitude comes first");
            return Err((index, message));
        }
    }
    Ok(())
}
