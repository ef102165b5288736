use std::cell::Cell;
use std::rc::Rc;

use serde_json::json;

use super::{Declined, Fault, HostSignatures, HostVerifier, Tally};
use crate::jose::{Algorithm, VerificationKey, base64url};
use crate::portable;
use crate::testing;

/// What a host does with a question.
struct Host<F>(F);

impl<F: Fn(&[u8]) -> Option<Vec<u8>>> HostSignatures for Host<F> {
    fn verify_signature(&self, question: &[u8]) -> Option<Vec<u8>> {
        (self.0)(question)
    }
}

const GENUINE: [u8; 2] = [8, 1];

fn prove(answer: impl Fn(&[u8]) -> Option<Vec<u8>> + 'static) -> (HostVerifier, Vec<Declined>) {
    HostVerifier::prove(Box::new(Host(answer)), Algorithm::ALL)
}

/// Why all algorithms were declined, if it is for one reason.
fn declined_for(declined: &[Declined]) -> Option<Fault> {
    let why = declined.first()?.why;
    (declined.len() == super::message::ALGORITHMS.len() && declined.iter().all(|one| one.why == why)).then_some(why)
}

/// A signed text: the key, what was signed, the signature.
fn signed(algorithm: Algorithm, payload: &[u8]) -> (VerificationKey, Vec<u8>, Vec<u8>) {
    let key = testing::key(algorithm);
    let header = json!({ "alg": algorithm.name() });
    let token = key.sign(header.as_object().unwrap(), payload).unwrap();
    let (text, signature) = token.rsplit_once('.').unwrap();
    let key = VerificationKey::compile(&key.public_jwk(None), None).unwrap();
    (key, text.as_bytes().to_vec(), base64url::decode(signature.as_bytes()).unwrap())
}

#[portable]
fn a_host_that_does_not_verify_is_not_asked_about_any_token() {
    let accepted = Fault::Accepted("another signature, first half");
    let refused = [&[0x12, 7], b"refused".as_slice()].concat();
    let odd: [&[u8]; 9] =
        [&[8, 0], &[8, 1, 0x12, 0], &[8, 2], &[8], &[1], b"true", &[8, 0x81, 0], &[0x12, 2, b'a'], &[0x12, 0x80, 0]];
    let mut hosts: Vec<(Option<Vec<u8>>, Fault)> = vec![
        (Some(GENUINE.to_vec()), accepted),
        (Some(refused), Fault::Refused),
        (Some(Vec::new()), Fault::Refused),
        (None, Fault::Unclear),
    ];
    hosts.extend(odd.map(|answer| (Some(answer.to_vec()), Fault::Unclear)));
    for (answer, why) in hosts {
        let about = format!("{answer:?}");
        let calls = Rc::new(Cell::new(0_usize));
        let counted = Rc::clone(&calls);
        let (verifier, declined) = prove(move |_| {
            counted.set(counted.get() + 1);
            answer.clone()
        });
        assert_eq!((declined_for(&declined), verifier.proven()), (Some(why), [].as_slice()), "{about}");
        let asked = calls.get();
        for &algorithm in Algorithm::ALL {
            let (key, text, signature) = signed(algorithm, b"{}");
            assert!(key.has_signed(&text, &signature, &verifier));
            assert!(!key.has_signed(b"another", &signature, &verifier));
        }
        assert_eq!(calls.get(), asked, "{about}");
        let by_plugin = 2 * Algorithm::ALL.len();
        assert_eq!(verifier.take_tally(), Tally { by_host: 0, by_plugin, host_failures: 0 });
    }
}

/// With a host that verifies: natively there is one.
#[cfg(not(target_arch = "wasm32"))]
mod with_a_right_host {
    use super::*;
    use envoy_signatures::verify_signature;

    fn right() -> HostVerifier {
        let (verifier, declined) = prove(|question| Some(verify_signature(question)));
        assert_eq!(declined, []);
        verifier
    }

    /// A host that is right about the known answers, and later does this.
    fn later(answer: impl Fn(&[u8]) -> Option<Vec<u8>> + 'static) -> HostVerifier {
        let is_later = Rc::new(Cell::new(false));
        let seen = Rc::clone(&is_later);
        let (verifier, declined) =
            prove(move |question| if seen.get() { answer(question) } else { Some(verify_signature(question)) });
        assert_eq!(declined, []);
        is_later.set(true);
        verifier
    }

    /// Both verifiers' answer, which must be one.
    fn agreed(host: &HostVerifier, key: &VerificationKey, text: &[u8], signature: &[u8]) -> bool {
        let by_host = key.has_signed(text, signature, host);
        let about = format!("{:?} of {} bytes", key.algorithm(), signature.len());
        assert_eq!(by_host, key.has_signed(text, signature, &crate::jose::Portable), "{about}");
        by_host
    }

    #[test]
    fn a_right_host_verifies_what_envoy_knows_and_the_plugin_the_rest() {
        let verifier = right();
        for &algorithm in Algorithm::ALL {
            // A text of three bytes of length in the message.
            let (key, text, signature) = signed(algorithm, &[b'a'; 20_000]);
            assert!(key.has_signed(&text, &signature, &verifier));
            assert!(!key.has_signed(&text[1..], &signature, &verifier));
            let by_host = algorithm.name().starts_with("RS") || algorithm.name().starts_with("ES");
            assert_eq!(verifier.proven().contains(&algorithm), by_host);
            let tally = if by_host {
                Tally { by_host: 2, ..Tally::default() }
            } else {
                Tally { by_plugin: 2, ..Tally::default() }
            };
            assert_eq!(verifier.take_tally(), tally, "{algorithm:?}");
            assert_eq!(verifier.take_tally(), Tally::default());
        }
    }

    #[test]
    fn only_the_algorithms_that_are_used_are_asked_about() {
        for &algorithm in Algorithm::ALL {
            let calls = Rc::new(Cell::new(0_usize));
            let counted = Rc::clone(&calls);
            let host = Host(move |question: &[u8]| {
                counted.set(counted.get() + 1);
                Some(verify_signature(question))
            });
            let (verifier, declined) = HostVerifier::prove(Box::new(host), &[algorithm]);
            let is_known = super::super::message::ALGORITHMS.contains(&algorithm);
            assert_eq!((verifier.proven(), declined.len()), ([algorithm].get(..usize::from(is_known)).unwrap(), 0));
            assert_eq!((10..20).contains(&calls.get()), is_known, "{algorithm:?}: {}", calls.get());
            // One that was not asked about is not left to the host.
            let other = if algorithm == Algorithm::Es256 { Algorithm::Rs256 } else { Algorithm::Es256 };
            let (key, text, signature) = signed(other, b"{}");
            assert!(key.has_signed(&text, &signature, &verifier));
            assert_eq!(verifier.take_tally(), Tally { by_plugin: 1, ..Tally::default() });
        }
        let (verifier, _) = HostVerifier::prove(Box::new(Host(|_: &[u8]| -> Option<Vec<u8>> { panic!("asked") })), &[]);
        assert_eq!(verifier.proven(), []);
    }

    #[test]
    fn one_wrong_answer_costs_its_algorithm_and_no_other() {
        let count = Rc::new(Cell::new(0_usize));
        let counted = Rc::clone(&count);
        prove(move |question| {
            counted.set(counted.get() + 1);
            Some(verify_signature(question))
        });
        let questions = count.get();
        assert!((50..100).contains(&questions), "{questions}");
        for wrong_at in 0..questions {
            for lie in [true, false] {
                let count = Cell::new(0_usize);
                let (verifier, declined) = prove(move |question| {
                    let number = count.replace(count.get() + 1);
                    let right = verify_signature(question);
                    Some(match (number == wrong_at, lie, right == GENUINE) {
                        (true, true, false) => GENUINE.to_vec(),
                        (true, true, true) => Vec::new(),
                        (true, false, _) => vec![8, 1, 8],
                        (false, ..) => right,
                    })
                });
                assert_eq!((declined.len(), verifier.proven().len()), (1, 4), "{wrong_at}");
                let why = declined[0].why;
                assert_eq!(why == Fault::Unclear, !lie, "{wrong_at}: {why:?}");
            }
        }
    }

    #[test]
    fn a_host_that_tries_every_digest_is_not_asked() {
        let (verifier, declined) = prove(|question| {
            let with = |digest: &[u8]| [&[0x0a, 6], digest, &question[8..]].concat();
            let answers = [b"sha256", b"sha384", b"sha512"].map(|digest| verify_signature(&with(digest)));
            Some(answers.into_iter().find(|answer| *answer == GENUINE).unwrap_or_default())
        });
        assert_eq!((declined_for(&declined), verifier.proven().len()), (Some(Fault::Accepted("another digest")), 0));
    }

    #[test]
    fn a_host_that_later_gives_no_plain_answer_neither_accepts_nor_refuses() {
        let answers: [Option<&[u8]>; 6] =
            [None, Some(&[8, 1, 0]), Some(&[8, 2]), Some(&[8, 0]), Some(&[0x12, 9, b'x']), Some(&[0x1a, 0])];
        for answer in answers {
            let verifier = later(move |_| answer.map(<[u8]>::to_vec));
            for algorithm in super::super::message::ALGORITHMS {
                let (key, text, signature) = signed(algorithm, b"{}");
                assert!(key.has_signed(&text, &signature, &verifier));
                assert!(!key.has_signed(b"another", &signature, &verifier));
                assert_eq!(verifier.take_tally(), Tally { by_host: 0, by_plugin: 2, host_failures: 2 });
            }
        }
    }

    #[test]
    fn only_a_signature_of_the_right_form_reaches_the_host() {
        let asked = Rc::new(Cell::new(0_usize));
        let counted = Rc::clone(&asked);
        let verifier = later(move |_| {
            counted.set(counted.get() + 1);
            Some(GENUINE.to_vec())
        });
        for algorithm in super::super::message::ALGORITHMS {
            let (key, text, signature) = signed(algorithm, b"{}");
            let most = vec![0xff; signature.len()];
            let zero_before = [&[0], signature.as_slice()].concat();
            let zero_after = [signature.as_slice(), &[0]].concat();
            for malformed in [&[], &signature[1..], &zero_before, &zero_after, &most] {
                assert!(!key.has_signed(&text, malformed, &verifier), "{algorithm:?}");
            }
            if algorithm.name().starts_with("ES") {
                let (r, s) = signature.split_at(signature.len() / 2);
                let zero = vec![0; r.len()];
                for pair in [[r, &zero], [&zero, s], [&zero, &zero]] {
                    assert!(!key.has_signed(&text, &pair.concat(), &verifier), "{algorithm:?}");
                }
            }
        }
        assert_eq!(asked.get(), 0);
    }

    #[test]
    fn host_and_plugin_agree_about_every_changed_bit() {
        let host = right();
        for algorithm in super::super::message::ALGORITHMS {
            let (key, text, signature) = signed(algorithm, b"{}");
            assert!(agreed(&host, &key, &text, &signature));
            for bit in 0..signature.len() * 8 {
                let mut changed = signature.clone();
                changed[bit / 8] ^= 1 << (bit % 8);
                assert!(!agreed(&host, &key, &text, &changed), "{algorithm:?}, bit {bit}");
            }
            for bit in 0..text.len() * 8 {
                let mut changed = text.clone();
                changed[bit / 8] ^= 1 << (bit % 8);
                assert!(!agreed(&host, &key, &changed, &signature), "{algorithm:?}, bit {bit} of the text");
            }
        }
    }

    /// The sum of two unsigned numbers in big-endian bytes and of `carry`, as many bytes of it as the first has, and
    /// whether it needs no more.
    fn sum(number: &[u8], addend: &[u8], mut carry: u16) -> (Vec<u8>, bool) {
        let mut sum = number.to_vec();
        for (byte, add) in sum.iter_mut().zip(addend).rev() {
            let value = carry.saturating_add(u16::from(*byte)).saturating_add(u16::from(*add));
            *byte = value.to_le_bytes()[0];
            carry = value >> 8;
        }
        (sum, carry == 0)
    }

    #[test]
    fn host_and_plugin_agree_about_numbers_at_their_bounds() {
        let host = right();
        for (algorithm, order) in [
            (Algorithm::Es256, "_____wAAAAD__________7zm-q2nF56E87nKwvxjJVE"),
            (Algorithm::Es384, "________________________________x2NNgfQ3Ld9YGg2ySLCneuzsGWrMxSlz"),
        ] {
            let order = base64url::decode(order.as_bytes()).unwrap();
            let (key, text, signature) = signed(algorithm, b"{}");
            let (r, s) = signature.split_at(signature.len() / 2);
            let complement: Vec<u8> = s.iter().map(|byte| !byte).collect();
            let (negated, _) = sum(&order, &complement, 1);
            let mut one = vec![0; s.len()];
            *one.last_mut().unwrap() = 1;
            assert!(agreed(&host, &key, &text, &[r, &negated].concat()), "the other form of {algorithm:?}");
            for small in [&one, &vec![0; s.len()], &order] {
                for pair in [[r, small], [small, s], [small, small]] {
                    assert!(!agreed(&host, &key, &text, &pair.concat()), "{algorithm:?}");
                }
            }
        }
        let mut with_room = 0;
        for number in 0..40_u8 {
            let (key, text, signature) = signed(Algorithm::Rs256, &[b'0' + number % 10, b'0' + number / 10]);
            let modulus = testing::key(Algorithm::Rs256).public_jwk(None)["n"].as_str().unwrap().to_owned();
            let modulus = base64url::decode(modulus.as_bytes()).unwrap();
            assert!(agreed(&host, &key, &text, &signature));
            assert!(!agreed(&host, &key, &text, &modulus));
            let (larger, fits) = sum(&signature, &modulus, 0);
            if fits {
                with_room += 1;
                assert!(!agreed(&host, &key, &text, &larger), "the same number modulo the modulus");
            }
        }
        assert!(with_room > 0, "no signature had room");
    }
}
