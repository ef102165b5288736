use crate::portable;
use crate::testing::json_response;
use crate::time::Seconds;

#[portable]
fn the_lifetime_is_what_is_left_of_max_age() {
    let lifetime = |fields: &[(&str, &str)]| json_response(fields, "{}").lifetime().map(Seconds::get);
    assert_eq!(lifetime(&[]), None);
    assert_eq!(lifetime(&[("cache-control", "public, Max-Age=300")]), Some(300));
    assert_eq!(lifetime(&[("cache-control", "max-age=300"), ("age", "100")]), Some(200));
    assert_eq!(lifetime(&[("cache-control", "max-age=300"), ("age", "400")]), Some(0));
    assert_eq!(lifetime(&[("cache-control", "max-age=300, no-store")]), Some(0));
    assert_eq!(lifetime(&[("cache-control", "no-cache")]), Some(0));
    for odd in ["max-age", "max-age=", "max-age=-1", "max-age=1.5", "max-age=99999999999999999999", "s-maxage=9"] {
        assert_eq!(lifetime(&[("cache-control", odd)]), None, "{odd}");
    }
}
