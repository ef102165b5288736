//! The figures of RFC 9449, one after the other: all 25, and how this plugin agrees with each.
//!
//! The RFC publishes no private key, the access token of its requests is opaque, and its claims have no time in which this
//! program accepts a clock. Where that leaves too little to compare, the function of the figure says what is done instead. The
//! signatures of figures 2, 5, 7 and 13 are verified as they are printed.

use serde_json::{Value, json};

use super::{code, forwarded, refusal};
use crate::jose::{Portable, UnverifiedProof, UnverifiedToken, base64url};
use crate::limits::{MAX_PROOF_BYTES, TOKEN_BYTES};
use crate::portable;
use crate::testing::rfc9449::{
    FIGURE_5, FIGURE_7, FIGURE_8, FIGURE_13, OPAQUE_TOKEN, claims_of_figure_9, header_of_proofs,
};
use request::{Sent, plan, plan_of_figure_9};

mod answers;
mod request;

/// One figure.
struct Figure {
    number: u8,
    /// What it shows.
    shows: &'static str,
    agreed: Agreed,
}

/// How it is agreed with.
enum Agreed {
    /// This test compares it.
    By(fn()),
    /// There is nothing of it that a resource server could compare.
    NothingToCompare(&'static str),
}

use Agreed::{By, NothingToCompare};

const FIGURES: [Figure; 25] = [
    Figure {
        number: 1,
        shows: "the flow, from the token request to the resource",
        agreed: NothingToCompare("a diagram"),
    },
    Figure { number: 2, shows: "the header field `DPoP` of figure 5", agreed: By(proofs_for_the_token_endpoint) },
    Figure { number: 3, shows: "the ABNF of that field: token68", agreed: By(field_is_one_token68) },
    Figure { number: 4, shows: "the decoded proof of figure 2", agreed: By(decoded_proof_for_the_token_endpoint) },
    Figure { number: 5, shows: "a token request with a proof", agreed: By(proofs_for_the_token_endpoint) },
    Figure {
        number: 6,
        shows: "the answer, with the opaque access token of figure 13",
        agreed: NothingToCompare("the authorization server's answer to the client; its token is that of figure 13"),
    },
    Figure { number: 7, shows: "a refresh with a proof", agreed: By(proofs_for_the_token_endpoint) },
    Figure { number: 8, shows: "an access token with `cnf`, by an unpublished key", agreed: By(bound_token) },
    Figure { number: 9, shows: "the claims of figure 8", agreed: By(bound_token) },
    Figure {
        number: 10,
        shows: "an introspection request",
        agreed: NothingToCompare("the plugin does not ask for introspection: a token must be a JWT"),
    },
    Figure {
        number: 11,
        shows: "its answer, with the `cnf` of figure 9",
        agreed: NothingToCompare("as figure 10; `cnf` has the form that figure 9 has in a token"),
    },
    Figure { number: 12, shows: "the ABNF of the credentials: the scheme and token68", agreed: By(credentials) },
    Figure { number: 13, shows: "a request with token and proof", agreed: By(protected_request) },
    Figure { number: 14, shows: "the decoded proof of figure 13", agreed: By(decoded_proof_for_the_resource) },
    Figure { number: 15, shows: "401 without a credential", agreed: By(answers::challenge_without_a_credential) },
    Figure {
        number: 16,
        shows: "401 for another key than the token's",
        agreed: By(answers::challenge_for_another_key),
    },
    Figure {
        number: 17,
        shows: "401 without a credential, both schemes",
        agreed: By(answers::challenges_of_both_schemes),
    },
    Figure {
        number: 18,
        shows: "401 for an invalid bearer token, both schemes",
        agreed: By(answers::challenges_for_a_bearer),
    },
    Figure { number: 19, shows: "400 for two credentials", agreed: By(answers::challenges_for_two_credentials) },
    Figure {
        number: 20,
        shows: "400 `use_dpop_nonce` of the token endpoint",
        agreed: NothingToCompare("the authorization server's answer; the resource server's is figure 24"),
    },
    Figure { number: 21, shows: "the claims of a proof with a nonce", agreed: By(answers::nonce_in_a_proof) },
    Figure { number: 22, shows: "the ABNF of nonces", agreed: By(answers::nonce_of_the_plugin) },
    Figure {
        number: 23,
        shows: "200 with the next nonce",
        agreed: NothingToCompare("optional; the plugin gives a nonce only where one is missing or too old"),
    },
    Figure { number: 24, shows: "401 `use_dpop_nonce` of a resource", agreed: By(answers::nonce_of_the_plugin) },
    Figure {
        number: 25,
        shows: "an authorization request with `dpop_jkt`",
        agreed: NothingToCompare("between client and authorization server"),
    },
];

#[portable]
fn every_figure_is_agreed_with() {
    for (number, figure) in (1..).zip(&FIGURES) {
        assert_eq!(figure.number, number, "{}", figure.shows);
        match figure.agreed {
            By(compare) => compare(),
            NothingToCompare(why) => assert!(!why.is_empty(), "{}", figure.shows),
        }
    }
}

/// A proof for the token endpoint is genuine, and no resource accepts it: it has no `ath`.
fn proofs_for_the_token_endpoint() {
    for proof in [FIGURE_5, FIGURE_7] {
        assert!(is_genuine(proof), "{proof}");
        let request = Sent { method: "POST", ..Sent::of_figure_13(proof) };
        assert_eq!(refusal(&request.decided(&plan_of_figure_9())), code(401, "proof-malformed"));
    }
}

fn decoded_proof_for_the_token_endpoint() {
    let claims = json!({
        "jti": "-BwC3ESc6acc2lTc", "htm": "POST", "htu": "https://server.example.com/token", "iat": 1562262616,
    });
    assert_eq!(decoded(FIGURE_5), [header_of_proofs(), claims]);
}

fn decoded_proof_for_the_resource() {
    let hash = base64url::encode(&hmac_sha256::Hash::hash(OPAQUE_TOKEN.as_bytes()));
    let claims = json!({
        "jti": "e1j3V_bKic8-LAEB", "htm": "GET", "htu": "https://resource.example.org/protectedresource",
        "iat": 1562262618, "ath": hash,
    });
    assert_eq!(decoded(FIGURE_13), [header_of_proofs(), claims]);
}

/// The published token is by a key that is not published. So its claims are signed by a key of ours, and then nobody gets in
/// with it alone.
fn bound_token() {
    UnverifiedToken::parse(FIGURE_8.as_bytes(), TOKEN_BYTES.default).expect("figure 8 is a token");
    let [header, claims] = decoded(FIGURE_8);
    assert_eq!((header, &claims), (json!({ "alg": "ES256", "kid": "BeALkb" }), &claims_of_figure_9()));
    let proof = UnverifiedProof::parse(FIGURE_5.as_bytes(), MAX_PROOF_BYTES).expect("a proof");
    assert_eq!(claims["cnf"]["jkt"], proof.key().expect("its key").thumbprint());
    let bearer = Sent { scheme: "Bearer", proof: None, ..Sent::of_figure_13(FIGURE_13) };
    assert_eq!(refusal(&bearer.decided(&plan_of_figure_9())), code(401, "token-binding"));
    let published = Sent { token: FIGURE_8.to_owned(), ..Sent::of_figure_13(FIGURE_13) };
    assert_eq!(refusal(&published.decided(&plan_of_figure_9())), code(401, "token-key"));
}

/// Its token is opaque, and no JWT has the hash that its proof has. So a token with the claims of figure 9 takes its place: all
/// checks before that of the hash accept the proof. The module `dpop` has a test that accepts it with its own token.
fn protected_request() {
    let proof = FIGURE_13;
    assert!(is_genuine(proof));
    assert_eq!(refusal(&Sent::of_figure_13(proof).decided(&plan_of_figure_9())), code(401, "proof-token"));
    let as_it_is = Sent { token: OPAQUE_TOKEN.to_owned(), ..Sent::of_figure_13(proof) };
    assert_eq!(refusal(&as_it_is.decided(&plan_of_figure_9())), code(401, "token-malformed"));
}

/// A proof is token68, and not every token68 is a proof.
fn field_is_one_token68() {
    let printed = FIGURE_13;
    assert!(printed.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte)), "{printed}");
    let of = |field: &str| Sent::of_figure_13(field).decided(&plan_of_figure_9());
    for field in [format!("{printed}="), format!("{printed}, {printed}"), format!("\"{printed}\""), "YWJj".to_owned()] {
        assert_eq!(refusal(&of(&field)), code(401, "proof-malformed"), "{field}");
    }
}

fn credentials() {
    for scheme in ["DPoP", "DPoP  ", "dpop"] {
        forwarded(&Sent { scheme, ..Sent::ours(json!({})) }.decided(&plan("dpop", json!({}))));
    }
    for scheme in ["DPoP\t", "DPoP:"] {
        let got = Sent { scheme, ..Sent::ours(json!({})) }.decided(&plan("dpop", json!({})));
        assert_eq!(refusal(&got), code(401, "credential-malformed"), "{scheme:?}");
    }
}

fn is_genuine(proof: &str) -> bool {
    let proof = UnverifiedProof::parse(proof.as_bytes(), MAX_PROOF_BYTES).expect("a proof");
    proof.is_signed_by(&proof.key().expect("its key"), &Portable)
}

/// Header and claims of a JWT.
fn decoded(token: &str) -> [Value; 2] {
    let mut parts = token.split('.').map(|part| base64url::decode(part.as_bytes()).expect("base64url"));
    [(); 2].map(|()| serde_json::from_slice(&parts.next().expect("a part")).expect("JSON"))
}
