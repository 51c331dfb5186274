//! Encodes and parses events in the wire format of Protocol Buffers: the fields of `tensorflow.Event` and
//! `tensorflow.Summary` (tensorflow/core/util/event.proto, framework/summary.proto) that scalars and pictures need.

/// Values of one step, each with its tag.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Seconds since 1970.
    pub time: f64,
    pub step: i64,
    pub values: Vec<(String, EventValue)>,
}

/// The value of a tag.
#[derive(Debug, Clone, PartialEq)]
pub enum EventValue {
    Scalar(f32),
    /// A PNG file with height and width.
    Picture {
        size: [usize; 2],
        png: Vec<u8>,
    },
    /// A value of another kind, written by another program.
    Other,
}

/// Wire types.
const VARINT: u64 = 0;
const FIXED64: u64 = 1;
const BYTES: u64 = 2;
const FIXED32: u64 = 5;

/// `Summary.Image.colorspace` of RGB.
const RGB: u64 = 3;

impl Event {
    /// Encodes the event that a file begins with.
    pub fn version(time: f64) -> Vec<u8> {
        let mut out = Vec::new();
        put_fixed64(&mut out, 1, time);
        put_bytes(&mut out, 3, b"brain.Event:2");
        out
    }

    /// Encodes the event as a `tensorflow.Event` message.
    pub fn encode(&self) -> Vec<u8> {
        let mut summary = Vec::new();
        for (tag, payload) in &self.values {
            let mut value = Vec::new();
            put_bytes(&mut value, 1, tag.as_bytes());
            match payload {
                EventValue::Scalar(v) => {
                    put_key(&mut value, 2, FIXED32);
                    value.extend(v.to_le_bytes());
                }
                EventValue::Picture { size, png } => {
                    let mut image = Vec::new();
                    for (field, n) in [(1, size[0] as u64), (2, size[1] as u64), (3, RGB)] {
                        put_key(&mut image, field, VARINT);
                        put_varint(&mut image, n);
                    }
                    put_bytes(&mut image, 4, png);
                    put_bytes(&mut value, 4, &image);
                }
                EventValue::Other => {}
            }
            put_bytes(&mut summary, 1, &value);
        }
        let mut out = Vec::new();
        put_fixed64(&mut out, 1, self.time);
        put_key(&mut out, 2, VARINT);
        put_varint(&mut out, self.step as u64);
        put_bytes(&mut out, 5, &summary);
        out
    }

    /// Parses an event, or returns `None` where the bytes are not one. Unknown fields are skipped.
    pub fn parse(data: &[u8]) -> Option<Event> {
        let mut event = Event { time: 0.0, step: 0, values: Vec::new() };
        for field in fields(data) {
            match field? {
                (1, WireField::Fixed64(bits)) => event.time = f64::from_bits(bits),
                (2, WireField::Varint(n)) => event.step = n as i64,
                (5, WireField::Bytes(summary)) => event.values.extend(parse_summary(summary)?),
                _ => {}
            }
        }
        Some(event)
    }
}

/// Parses the values of a `tensorflow.Summary`, each with its tag.
fn parse_summary(data: &[u8]) -> Option<Vec<(String, EventValue)>> {
    let mut values = Vec::new();
    for field in fields(data) {
        if let (1, WireField::Bytes(value)) = field? {
            values.push(parse_value(value)?);
        }
    }
    Some(values)
}

/// Parses a `tensorflow.Summary.Value` to its tag and value.
fn parse_value(data: &[u8]) -> Option<(String, EventValue)> {
    let (mut tag, mut value) = (String::new(), EventValue::Other);
    for field in fields(data) {
        match field? {
            (1, WireField::Bytes(text)) => tag = String::from_utf8(text.to_vec()).ok()?,
            (2, WireField::Fixed32(bits)) => value = EventValue::Scalar(f32::from_bits(bits)),
            (4, WireField::Bytes(image)) => value = parse_image(image)?,
            _ => {}
        }
    }
    Some((tag, value))
}

/// Parses a `tensorflow.Summary.Image`.
fn parse_image(data: &[u8]) -> Option<EventValue> {
    let (mut size, mut png) = ([0, 0], Vec::new());
    for field in fields(data) {
        match field? {
            (1, WireField::Varint(n)) => size[0] = n as usize,
            (2, WireField::Varint(n)) => size[1] = n as usize,
            (4, WireField::Bytes(file)) => png = file.to_vec(),
            _ => {}
        }
    }
    Some(EventValue::Picture { size, png })
}

/// The content of a field by its wire type.
enum WireField<'a> {
    Varint(u64),
    Fixed64(u64),
    Bytes(&'a [u8]),
    Fixed32(u32),
}

/// Returns number and content of each field of a message. Invalid bytes end it with `None`.
fn fields(mut data: &[u8]) -> impl Iterator<Item = Option<(u64, WireField<'_>)>> {
    std::iter::from_fn(move || {
        if data.is_empty() {
            return None;
        }
        let field = take_field(&mut data);
        if field.is_none() {
            data = &[];
        }
        Some(field)
    })
}

/// Reads the number and the content of one field.
fn take_field<'a>(data: &mut &'a [u8]) -> Option<(u64, WireField<'a>)> {
    let key = take_varint(data)?;
    let content = match key & 7 {
        VARINT => WireField::Varint(take_varint(data)?),
        FIXED64 => WireField::Fixed64(u64::from_le_bytes(take(data, 8)?.try_into().ok()?)),
        BYTES => {
            let n = usize::try_from(take_varint(data)?).ok()?;
            WireField::Bytes(take(data, n)?)
        }
        FIXED32 => WireField::Fixed32(u32::from_le_bytes(take(data, 4)?.try_into().ok()?)),
        _ => return None,
    };
    Some((key >> 3, content))
}

/// Splits off the first `n` bytes.
fn take<'a>(data: &mut &'a [u8], n: usize) -> Option<&'a [u8]> {
    let (taken, rest) = data.split_at_checked(n)?;
    *data = rest;
    Some(taken)
}

/// Reads a variable-length integer.
fn take_varint(data: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = take(data, 1)?[0];
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

/// Writes the number and the wire type of a field.
fn put_key(out: &mut Vec<u8>, field: u64, wire: u64) {
    put_varint(out, field << 3 | wire);
}

/// Writes a variable-length integer.
fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn put_fixed64(out: &mut Vec<u8>, field: u64, value: f64) {
    put_key(out, field, FIXED64);
    out.extend(value.to_le_bytes());
}

fn put_bytes(out: &mut Vec<u8>, field: u64, data: &[u8]) {
    put_key(out, field, BYTES);
    put_varint(out, data.len() as u64);
    out.extend(data);
}
