//! Calls of proxy-wasm 0.2.1 that are made for requests or in every configuration, as the host declares them: every status is a value.
//!
//! The SDK makes the same calls. It panics on each status that it does not list for a call, its return type cannot hold
//! a status that it does not know, and it copies a map field by field. This file alone may use `unsafe`, and only to
//! call the host and to take over what the host has written.

#![expect(unsafe_code, reason = "functions of the host are foreign functions, and hand over memory by address")]

use core::ptr;

use countersign_core::worker::HostFault;

/// The only status that is not a failure.
const OK: u32 = 0;
/// The map of request headers.
pub(crate) const REQUEST_HEADERS: u32 = 0;
/// The map of request trailers.
pub(crate) const REQUEST_TRAILERS: u32 = 1;
/// The stream of the request.
const REQUEST_STREAM: u32 = 0;
/// The reply is not a gRPC one; Envoy makes one of it for a gRPC request.
const NO_GRPC_STATUS: i32 = -1;

#[link(wasm_import_module = "env")]
unsafe extern "C" {
    fn proxy_log(level: u32, line: *const u8, bytes: usize) -> u32;
    fn proxy_get_current_time_nanoseconds(time: *mut u64) -> u32;
    fn proxy_increment_metric(metric: u32, change: i64) -> u32;
    fn proxy_set_tick_period_milliseconds(period: u32) -> u32;
    fn proxy_get_property(path: *const u8, bytes: usize, value: *mut *mut u8, value_bytes: *mut usize) -> u32;
    fn proxy_set_property(path: *const u8, bytes: usize, value: *const u8, value_bytes: usize) -> u32;
    fn proxy_get_header_map_pairs(map: u32, pairs: *mut *mut u8, bytes: *mut usize) -> u32;
    fn proxy_remove_header_map_value(map: u32, name: *const u8, bytes: usize) -> u32;
    fn proxy_replace_header_map_value(
        map: u32,
        name: *const u8,
        bytes: usize,
        value: *const u8,
        value_bytes: usize,
    ) -> u32;
    fn proxy_send_local_response(
        status: u32,
        details: *const u8,
        details_bytes: usize,
        body: *const u8,
        body_bytes: usize,
        headers: *const u8,
        headers_bytes: usize,
        grpc_status: i32,
    ) -> u32;
    fn proxy_continue_stream(stream: u32) -> u32;
    fn proxy_set_effective_context(context: u32) -> u32;
}

/// Writes to the log. Levels are those of the SDK, as numbers.
pub(crate) fn log(level: u32, line: &str) -> Result<(), HostFault> {
    // SAFETY: the address and the length are those of a string that outlives the call, and the host only reads it.
    done(unsafe { proxy_log(level, line.as_ptr(), line.len()) })
}

/// Nanoseconds since 1970.
pub(crate) fn current_time() -> Result<u64, HostFault> {
    let mut time = 0;
    // SAFETY: the host writes eight bytes to the address of a `u64` that outlives the call.
    done(unsafe { proxy_get_current_time_nanoseconds(&raw mut time) })?;
    Ok(time)
}

/// Adds to a counter or a gauge.
pub(crate) fn increment_metric(metric: u32, change: i64) -> Result<(), HostFault> {
    // SAFETY: only numbers are passed.
    done(unsafe { proxy_increment_metric(metric, change) })
}

/// Asks for ticks. Not by the SDK, which panics where the proxy does not allow the call: then there are no ticks.
pub(crate) fn set_tick_period(milliseconds: u32) -> Result<(), HostFault> {
    // SAFETY: only a number is passed.
    done(unsafe { proxy_set_tick_period_milliseconds(milliseconds) })
}

/// A property; the parts of its path have zero bytes between them.
pub(crate) fn property(path: &str) -> Result<Vec<u8>, HostFault> {
    let (mut value, mut bytes) = (ptr::null_mut(), 0);
    // SAFETY: the path outlives the call, and the host only reads it. It writes an address and a length to places that
    // outlive the call.
    done(unsafe { proxy_get_property(path.as_ptr(), path.len(), &raw mut value, &raw mut bytes) })?;
    // SAFETY: the host has just written both, and nothing else has them.
    Ok(unsafe { taken_over(value, bytes) })
}

/// Sets a property.
pub(crate) fn set_property(path: &str, value: &[u8]) -> Result<(), HostFault> {
    // SAFETY: the path and the value outlive the call, and the host only reads them.
    done(unsafe { proxy_set_property(path.as_ptr(), path.len(), value.as_ptr(), value.len()) })
}

/// All fields of a map, as [`crate::pairs`] reads them.
pub(crate) fn map(map: u32) -> Result<Vec<u8>, HostFault> {
    let (mut pairs, mut bytes) = (ptr::null_mut(), 0);
    // SAFETY: the host writes an address and a length to places that outlive the call.
    done(unsafe { proxy_get_header_map_pairs(map, &raw mut pairs, &raw mut bytes) })?;
    // SAFETY: the host has just written both, and nothing else has them.
    Ok(unsafe { taken_over(pairs, bytes) })
}

/// Removes all fields of a name. That there is none is not a failure.
pub(crate) fn remove_map_value(map: u32, name: &str) -> Result<(), HostFault> {
    // SAFETY: the name outlives the call, and the host only reads it.
    done(unsafe { proxy_remove_header_map_value(map, name.as_ptr(), name.len()) })
}

/// Sets a field, and removes all others of the name.
pub(crate) fn set_map_value(map: u32, name: &str, value: &[u8]) -> Result<(), HostFault> {
    // SAFETY: the name and the value outlive the call, and the host only reads them.
    done(unsafe { proxy_replace_header_map_value(map, name.as_ptr(), name.len(), value.as_ptr(), value.len()) })
}

/// Answers the client. The header fields are written as [`crate::pairs`] writes them.
pub(crate) fn send_response(status: u16, headers: &[u8], body: &str) -> Result<(), HostFault> {
    // SAFETY: the fields and the body outlive the call, and the host only reads them. No bytes of details are read.
    done(unsafe {
        proxy_send_local_response(
            u32::from(status),
            ptr::null(),
            0,
            body.as_ptr(),
            body.len(),
            headers.as_ptr(),
            headers.len(),
            NO_GRPC_STATUS,
        )
    })
}

/// Lets the paused request pass.
pub(crate) fn resume_request() -> Result<(), HostFault> {
    // SAFETY: only a number is passed.
    done(unsafe { proxy_continue_stream(REQUEST_STREAM) })
}

/// Switches to another context.
pub(crate) fn set_effective_context(context: u32) -> Result<(), HostFault> {
    // SAFETY: only a number is passed.
    done(unsafe { proxy_set_effective_context(context) })
}

fn done(status: u32) -> Result<(), HostFault> {
    if status == OK { Ok(()) } else { Err(HostFault) }
}

/// The bytes that the host has written.
///
/// # Safety
/// The host has written both in one successful call, and nothing else uses them. The host allocates with the SDK's
/// `proxy_on_memory_allocate`, which makes a boxed slice of exactly so many bytes by this program's allocator, and leaves
/// the address null if there is no value.
unsafe fn taken_over(address: *mut u8, bytes: usize) -> Vec<u8> {
    if address.is_null() {
        return Vec::new();
    }
    // SAFETY: by the contract, these are the address, the length and the capacity of one allocation of bytes, which the
    // host has filled, and which has no other owner.
    unsafe { Vec::from_raw_parts(address, bytes, bytes) }
}
