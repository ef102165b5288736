//! Hosts of applications beside the domains of virtual hosts.

use super::cases::HOST;
use super::{GOOD, NONE, codes, with};

#[test]
fn domains_are_compared_as_envoy_reads_them() {
    for domain in ["*", "shop.example.com", "SHOP.example.com:8443", "*.example.com", "*:*", "shop.example.*", "shop.*"]
    {
        assert_eq!(codes(&with(GOOD, HOST, &format!("- domains: [\"{domain}\"]"))), NONE, "{domain}");
    }
    for domain in ["example.com", "*.shop.example.com", "shop.example.com.*", "*shop.example.com"] {
        let found = codes(&with(GOOD, HOST, &format!("- domains: [\"{domain}\"]")));
        assert_eq!(found, ["hosts-differ", "hosts-differ"], "{domain}");
    }
    let any = with(GOOD, "\"hosts\": [\"shop.example.com\"]", "\"any_host\": true");
    assert_eq!(codes(&with(&any, HOST, "- domains: [other.example.com]")), NONE);
    let wildcard = with(GOOD, "\"hosts\": [\"shop.example.com\"]", "\"hosts\": [\"*.example.com\"]");
    for domain in ["shop.example.com", "'*.example.com'", "'*.com'", "'*'", "shop.example.com:443"] {
        let found = codes(&with(&wildcard, HOST, &format!("- domains: [{domain}]")));
        assert_eq!(found, NONE, "{domain}");
    }
    let deeper = codes(&with(&wildcard, HOST, "- domains: [a.shop.example.com]"));
    assert_eq!(deeper, ["hosts-differ", "hosts-differ"], "a wildcard stands for one label");
}
