//! `sender_constraint` and `dpop` of an issuer: what the senders of its tokens must prove.

use super::profile::read_algorithms;
use super::reader::{Field, Given, List, Member, Node, Presence, Read, Shape, words};
use crate::config_error::ConfigCode;
use crate::freshness::MemoryScope;
use crate::jose::Algorithm;
use crate::profile::{DpopRule, Scheme, SenderRule};
use crate::request::PeerSource;
use crate::time::Seconds;

/// The words of `sender_constraint`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Word {
    None,
    IfBound,
    Mtls,
    Dpop,
    Any,
}

static WORDS: [(&str, Word); 5] =
    [("none", Word::None), ("if_bound", Word::IfBound), ("mtls", Word::Mtls), ("dpop", Word::Dpop), ("any", Word::Any)];

static SCHEMES: [(&str, Scheme); 2] = [("https", Scheme::Https), ("http", Scheme::Http)];

static NONCES: [(&str, bool); 2] = [("off", false), ("required", true)];

static SCOPES: [(&str, MemoryScope); 2] = [("shared", MemoryScope::Shared), ("per_worker", MemoryScope::PerWorker)];

/// `sender_constraint`
pub(super) const SENDER_CONSTRAINT: Field = Field {
    name: "sender_constraint",
    presence: Presence::Default(Given::Text("if_bound")),
    shape: Shape::Words(|| words(&WORDS)),
    write: "`none`, `if_bound`, `mtls`, `dpop` or `any`",
    about: "which [bound tokens](bound-tokens.md) are accepted. `if_bound`: a bound token must be proved, and others are \
            bearer tokens; `mtls`, `dpop`: only tokens bound in this way; `any`: only tokens bound in one of the two; \
            `none`: only tokens without `cnf`",
};

/// `dpop`
pub(super) const DPOP: Field = Field {
    name: "dpop",
    presence: Presence::Optional,
    shape: Shape::Object(&[&DPOP_MEMBERS]),
    write: "an object such as `{ algorithms: [ES256] }`, or `{}` for the defaults",
    about: "which [DPoP proofs](bound-tokens.md#dpop) are accepted; without it no DPoP-bound token is",
};

static DPOP_MEMBERS: [Field; 5] = [
    Field {
        name: "algorithms",
        presence: Presence::Default(Given::Texts(&["ES256"])),
        shape: Shape::List(List::of(&Shape::Words(Algorithm::names)).some().distinct()),
        write: "a list of signature algorithms, such as `[ES256]`",
        about: "the algorithms that may have signed a proof",
    },
    Field {
        name: "max_age",
        presence: Presence::Default(Given::Text("60s")),
        // Each proof is remembered for so long.
        shape: Shape::Duration(Seconds::new(1)..=Seconds::new(300)),
        write: "the longest time since `iat` of a proof, from `1s` to `300s`",
        about: "longest time since `iat` of a proof; a proof from the future is accepted up to the issuer's `clock_skew`",
    },
    Field {
        name: "external_scheme",
        presence: Presence::Default(Given::Text("https")),
        shape: Shape::Words(|| words(&SCHEMES)),
        write: "`https` or `http`",
        about: "the scheme of the URL that clients use, also where another hop terminates TLS",
    },
    Field {
        name: "nonce",
        presence: Presence::Default(Given::Text("off")),
        shape: Shape::Words(|| words(&NONCES)),
        write: "`off` or `required`",
        about: "`required`: a proof must have a nonce that the plugin gave out",
    },
    Field {
        name: "replay",
        presence: Presence::Default(Given::Text("shared")),
        shape: Shape::Words(|| words(&SCOPES)),
        write: "`shared` or `per_worker`",
        about: "which workers remember a proof: all (the plugin then needs a `vm_id`), or the one that accepted it",
    },
];

/// Reads both. They must fit each other.
pub(super) fn read(node: &Node<'_>, constraint: Member<'_>, dpop: Member<'_>) -> Read<SenderRule> {
    let word = constraint.or_default(|node| node.word(&WORDS));
    let rule = dpop.optional(read_dpop);
    let (word, rule) = (word?, rule?);
    let contradiction = |place: &str, message: &str, help: &str| {
        Err(node.report_inside(place, ConfigCode::Contradiction, message.to_owned(), help.to_owned()))
    };
    match (word, rule) {
        (Word::IfBound, rule) => Ok(SenderRule::IfBound(rule)),
        (Word::None, None) => Ok(SenderRule::Unbound),
        (Word::Mtls, None) => Ok(SenderRule::Certificate),
        (Word::Dpop, Some(rule)) => Ok(SenderRule::Dpop(rule)),
        (Word::Any, Some(rule)) => Ok(SenderRule::Any(rule)),
        (Word::None | Word::Mtls, Some(_)) => contradiction(
            "/dpop",
            "`sender_constraint` accepts no DPoP-bound token, and `dpop` says which proofs are accepted",
            "remove `dpop`, or write `sender_constraint: if_bound`, `dpop` or `any`",
        ),
        (Word::Dpop | Word::Any, None) => contradiction(
            "/sender_constraint",
            "tokens that are DPoP-bound are to be accepted, and there is no `dpop` that says which proofs are",
            "add `dpop: {}` for the defaults, or an object such as `dpop: { algorithms: [ES256] }`",
        ),
    }
}

/// Reports an error if tokens are to be bound to client certificates, and none is ever known. `node` is the issuer's.
pub(super) fn agree_on_peer(node: &Node<'_>, rule: &SenderRule, peer: PeerSource) -> Read<()> {
    if peer.has_certificates() || !matches!(rule, SenderRule::Certificate | SenderRule::Any(_)) {
        return Ok(());
    }
    Err(node.report_inside(
        "/sender_constraint",
        ConfigCode::Contradiction,
        "tokens that are bound to a client certificate are to be accepted, and `peer` reports no certificate".to_owned(),
        "write `peer: { from: tls }` if this Envoy terminates the TLS of clients; otherwise `sender_constraint: dpop`, or \
         `if_bound`"
            .to_owned(),
    ))
}

fn read_dpop(node: &Node<'_>) -> Read<DpopRule> {
    let [algorithms, max_age, external_scheme, nonce, replay] = node.members(&DPOP_MEMBERS)?;
    let algorithms = algorithms.or_default(read_algorithms);
    let max_age = max_age.or_default(|node| node.duration());
    let external_scheme = external_scheme.or_default(|node| node.word(&SCHEMES));
    let nonce = nonce.or_default(|node| node.word(&NONCES));
    let replay = replay.or_default(|node| node.word(&SCOPES));
    Ok(DpopRule {
        algorithms: algorithms?,
        max_age: max_age?,
        external_scheme: external_scheme?,
        nonce_required: nonce?,
        replay: replay?,
    })
}
