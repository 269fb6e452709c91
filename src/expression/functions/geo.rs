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
/// law of cosines it is exact for places close together; near antipodes it is off by up to a metre.
fn distance_km(lat1: f64, lon1: f64, lat2: f64, lon2: f64) -> Value {
    if !is_latitude(lat1) || !is_latitude(lat2) {
        return Value::Null;
    }
    let (phi1, phi2) = (lat1.to_radians(), lat2.to_radians());
    let half = |from: f64, to: f64| ((to - from) / 2.0).sin();
    let h = half(phi1, phi2).powi(2)
        + phi1.cos() * phi2.cos() * half(lon1.to_radians(), lon2.to_radians()).powi(2);
    // Rounding may carry antipodes a hair above 1, where the arc sine has no value. Unlike `min`,
    // `clamp` leaves the NaN of an infinite longitude alone, which becomes null.
    Value::float(2.0 * RADIUS_KM * h.sqrt().clamp(0.0, 1.0).asin())
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

#[cfg(test)]
mod tests {
    use super::*;

    fn km(lat1: f64, lon1: f64, lat2: f64, lon2: f64) -> f64 {
        match (DISTANCE_KM.evaluate)(&[lat1, lon1, lat2, lon2].map(Value::Float)) {
            Value::Float(km) => km,
            other => panic!("{other:?}"),
        }
    }

    fn near(found: f64, expected: f64, tolerance: f64) {
        assert!((found - expected).abs() < tolerance, "{found} km, not {expected} km");
    }

    fn close(found: f64, expected: f64) {
        near(found, expected, 1e-9);
    }

    const HALF_ROUND: f64 = std::f64::consts::PI * RADIUS_KM;

    #[test]
    fn a_place_is_at_no_distance_from_itself() {
        for (lat, lon) in
            [(0.0, 0.0), (52.52, 13.405), (90.0, 0.0), (-90.0, 77.7), (12.3, 180.0), (1e-300, -0.0)]
        {
            assert_eq!(km(lat, lon, lat, lon), 0.0);
        }
        close(km(90.0, 10.0, 90.0, -120.0), 0.0);
        close(km(5.0, 180.0, 5.0, -180.0), 0.0);
        close(km(5.0, 359.0, 5.0, -1.0), 0.0);
    }

    #[test]
    fn antipodes_are_half_the_circumference_apart() {
        for (lat, lon) in
            [(0.0_f64, 0.0), (0.0, 179.999), (52.52, 13.405), (90.0, 0.0), (-33.9, 151.2), (45.0, 90.0)]
        {
            near(km(lat, lon, -lat, lon + 180.0), HALF_ROUND, 0.001);
            near(km(lat, lon, -lat, lon - 180.0), HALF_ROUND, 0.001);
        }
    }

    #[test]
    fn arcs_have_their_length() {
        close(km(0.0, 0.0, 0.0, 90.0), HALF_ROUND / 2.0);
        close(km(-90.0, 0.0, 0.0, 123.0), HALF_ROUND / 2.0);
        close(km(10.0, 20.0, 11.0, 20.0), HALF_ROUND / 180.0);
        // Across the date line, and a metre or so.
        close(km(0.0, 179.5, 0.0, -179.5), HALF_ROUND / 180.0);
        let metre = km(48.0, 2.0, 48.000_009, 2.0);
        assert!((metre - 0.001_000_755).abs() < 1e-9, "{metre}");
    }

    #[test]
    fn the_way_back_is_as_long() {
        for (a, b) in
            [((52.5, 13.4), (40.7, -74.0)), ((-33.9, 151.2), (64.1, -21.9)), ((1.0, 2.0), (1.0, 2.000_001))]
        {
            assert_eq!(km(a.0, a.1, b.0, b.1), km(b.0, b.1, a.0, a.1));
        }
    }

    #[test]
    fn what_is_no_place_has_no_distance() {
        for place in
            [[90.000_001, 0.0], [-91.0, 0.0], [f64::INFINITY, 0.0], [0.0, f64::INFINITY], [f64::NAN, 0.0]]
        {
            let [lat, lon] = place.map(Value::Float);
            let here = [Value::Int(0), Value::Int(0)];
            let there = [lat, lon];
            assert!((DISTANCE_KM.evaluate)(&[here.clone(), there.clone()].concat()).is_null(), "{place:?}");
            assert!((DISTANCE_KM.evaluate)(&[there, here].concat()).is_null(), "{place:?}");
        }
    }

    #[test]
    fn constant_latitudes_are_checked() {
        assert_eq!(check(&[Some(Value::Int(-90)), None, None, Some(Value::Float(200.0))]), Ok(()));
        assert_eq!(check(&[None, None, Some(Value::Null), None]), Ok(()));
        let (index, message) = check(&[None, None, Some(Value::Float(-122.4)), None]).unwrap_err();
        assert_eq!(index, 2);
        assert_eq!(message, "a latitude lies between -90 and 90, -122.4 does not; latitude comes first");
    }
}
