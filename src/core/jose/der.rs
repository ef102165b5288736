//! The values that are written in DER (ITU-T X.690) for programs outside: public keys and ECDSA signatures. No DER is
//! ever read here.

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const SEQUENCE: u8 = 0x30;

/// The algorithm of an RSA key: `rsaEncryption` and NULL (RFC 3279 section 2.3.1).
const RSA: [u8; 15] = [SEQUENCE, 13, 0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0];

/// The algorithm of a key on P-256: `id-ecPublicKey` and `secp256r1` (RFC 5480 sections 2.1.1 and 2.1.1.1).
pub(super) const P256: [u8; 21] = [
    SEQUENCE, 19, 0x06, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01,
    0x07,
];

/// The same with `secp384r1`.
pub(super) const P384: [u8; 18] =
    [SEQUENCE, 16, 0x06, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 5, 0x2b, 0x81, 0x04, 0x00, 0x22];

/// The `SubjectPublicKeyInfo` of an RSA key of these unsigned numbers in big-endian bytes (RFC 5280 section 4.1,
/// RFC 8017 appendix A.1.1).
pub(super) fn rsa_key(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    let key = value(SEQUENCE, &[&unsigned(modulus), &unsigned(exponent)]);
    key_info(&RSA, &key)
}

/// The `SubjectPublicKeyInfo` of an uncompressed point on the curve of this algorithm (RFC 5280 section 4.1, RFC 5480
/// section 2.2).
pub(super) fn ec_key(algorithm: &[u8], point: &[u8]) -> Vec<u8> {
    key_info(algorithm, point)
}

/// An `ECDSA-Sig-Value` of two unsigned numbers in big-endian bytes (RFC 3279 section 2.2.3).
pub(super) fn ecdsa_signature(r: &[u8], s: &[u8]) -> Vec<u8> {
    value(SEQUENCE, &[&unsigned(r), &unsigned(s)])
}

/// The bits of a key are whole bytes: none is unused.
fn key_info(algorithm: &[u8], key: &[u8]) -> Vec<u8> {
    value(SEQUENCE, &[algorithm, &value(BIT_STRING, &[&[0], key])])
}

/// A number without needless zeros in front; with one if its first bit would be read as a sign.
fn unsigned(number: &[u8]) -> Vec<u8> {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    let digits = number.get(zeros..).unwrap_or_default();
    let sign: &[u8] = if digits.first().is_none_or(|first| *first >= 0x80) { &[0] } else { &[] };
    value(INTEGER, &[sign, digits])
}

/// A value of these bytes, of which there are fewer than 65,536: the largest key that is accepted needs 550.
fn value(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut bytes = Vec::with_capacity(length.saturating_add(4));
    bytes.push(tag);
    match length.to_be_bytes() {
        [.., 0, low @ ..=0x7f] => bytes.push(low),
        [.., 0, low] => bytes.extend([0x81, low]),
        [.., high, low] => bytes.extend([0x82, high, low]),
    }
    parts.iter().for_each(|part| bytes.extend_from_slice(part));
    bytes
}

#[cfg(test)]
mod tests {
    use super::{P256, P384, ec_key, ecdsa_signature, rsa_key, value};
    use crate::jose::base64url;
    use crate::portable;

    fn decode(text: &str) -> Vec<u8> {
        base64url::decode(text.as_bytes()).unwrap()
    }

    // The keys of RFC 7515 appendix A.2 and RFC 6979 appendices A.2.5 and A.2.6, as OpenSSL writes them.
    #[portable]
    fn keys_are_written_as_openssl_writes_them() {
        let modulus = decode(concat!(
            "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-p",
            "CgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapH",
            "g665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4",
            "FRWyuXpoQ"
        ));
        let before = "30820122300d06092a864886f70d01010105000382010f003082010a0282010100";
        let expected = format!("{before}{}0203010001", hex::encode(&modulus));
        assert_eq!(hex::encode(rsa_key(&modulus, &[1, 0, 1])), expected);
        // A modulus whose first bit is not set, which no accepted size in whole bytes has, needs no zero.
        assert!(hex::encode(rsa_key(&[0x7f, 0xff], &[1, 0, 1])).contains("02027fff"));
        let point = [&[4], [0xab; 64].as_slice()].concat();
        let before = "3059301306072a8648ce3d020106082a8648ce3d030107034200";
        assert_eq!(hex::encode(ec_key(&P256, &point)), format!("{before}{}", hex::encode(&point)));
        let point = [&[4], [0xab; 96].as_slice()].concat();
        let before = "3076301006072a8648ce3d020106052b81040022036200";
        assert_eq!(hex::encode(ec_key(&P384, &point)), format!("{before}{}", hex::encode(&point)));
    }

    #[portable]
    fn numbers_have_one_form_each() {
        for (r, s, expected) in [
            (&[0x7f][..], &[0x80][..], "300702017f02020080"),
            (&[0, 0, 1], &[0, 0xff, 0], "3008020101020300ff00"),
            (&[0], &[], "3006020100020100"),
        ] {
            assert_eq!(hex::encode(ecdsa_signature(r, s)), expected);
        }
    }

    #[portable]
    fn a_length_has_one_to_three_bytes() {
        for (length, expected) in
            [(0, "0400"), (127, "047f"), (128, "048180"), (255, "0481ff"), (256, "04820100"), (65_535, "0482ffff")]
        {
            let value = value(4, &[&vec![7; length]]);
            assert_eq!(hex::encode(value.get(..value.len() - length).unwrap()), expected);
        }
    }
}
