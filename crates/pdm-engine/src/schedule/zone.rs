//! Time zones by their IANA names, from the built-in database, so that a file is valid on every machine or on none.

use jiff::tz::{TimeZone, TimeZoneDatabase};

/// The least similarity of a name that is suggested.
const NEAR: f64 = 0.86;

/// Returns the zone of this exact name.
pub(super) fn zone(name: &str) -> Option<TimeZone> {
    let zone = TimeZoneDatabase::bundled().get(name).ok()?;
    // The database ignores case; schedulers do not.
    (zone.iana_name() == Some(name)).then_some(zone)
}

/// Returns the name that was probably meant.
pub(super) fn meant(name: &str) -> Option<String> {
    let database = TimeZoneDatabase::bundled();
    let known = database.available().map(|name| name.to_string());
    let wanted = name.to_lowercase();
    let likeness = |known: &str| {
        let known = known.to_lowercase();
        let city = known.rsplit('/').next().unwrap_or_default();
        strsim::jaro_winkler(&known, &wanted).max(strsim::jaro_winkler(city, &wanted))
    };
    let (best, name) = known
        .map(|name| (likeness(&name), name))
        .max_by(|a, b| a.0.total_cmp(&b.0))?;
    (best >= NEAR).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_have_exact_names_and_others_a_suggestion() {
        for name in [
            "UTC",
            "Europe/Berlin",
            "America/Argentina/Buenos_Aires",
            "Asia/Kolkata",
        ] {
            assert!(zone(name).is_some(), "{name}");
        }
        for (name, other) in [
            ("utc", "UTC"),
            ("Europe/Berln", "Europe/Berlin"),
            ("Berlin", "Europe/Berlin"),
        ] {
            assert!(zone(name).is_none(), "{name}");
            assert_eq!(meant(name).as_deref(), Some(other));
        }
        assert_eq!((zone("CEST").is_none(), meant("Xyzzy/Plugh")), (true, None));
    }
}
