# Arithmetic: big integers, floats, decimals, fractions, statistics, seeded random numbers, digests, checksums.
import binascii
import cmath
import decimal
import hashlib
import hmac
import math
import random
import statistics
import zlib
from decimal import Decimal, getcontext, localcontext
from fractions import Fraction

print(2**521 - 1)
print(math.factorial(60), pow(3, 10**18, 1_000_000_007), pow(17, -1, 3120), math.isqrt(10**41))
print(-7 // 2, -7 % 3, divmod(-17, 5), (-1) ** 101, 0xFF ^ 0b1010, ~5, 1 << 70 >> 65, (12345).bit_count())
print(int("zz", 36), hex(255), (1 << 64).to_bytes(9, "little").hex(), int.from_bytes(b"\xff\xfe", "big", signed=True))
print(0.1 + 0.2, 1e16 + 1, 1 / 3, 5e-324, 1.7976931348623157e308, float("inf") - float("inf"), -0.0)
print(round(2.5), round(3.5), round(-2.675, 2), (0.1).hex(), float.fromhex("0x1.8p3"), (2.75).as_integer_ratio())
print(math.fsum([0.1] * 10), sum([0.1] * 10), math.hypot(3, 4), math.gcd(84, 36), math.lcm(4, 6), math.comb(50, 25))
print(math.nextafter(1.0, 2.0), math.ulp(1.0), math.frexp(10.0), math.copysign(1, -0.0), math.isclose(0.1 + 0.2, 0.3))
print(f"{math.sin(1):.12f} {math.exp(2):.10f} {math.log(10):.12f} {math.atan2(1, -1):.12f} {math.gamma(5.5):.9f}")
print((3 + 4j) * (1 - 2j), abs(3 + 4j), f"{cmath.exp(1j * math.pi).real:.6f}")

getcontext().prec = 50
print(Decimal(2).sqrt(), Decimal("0.1") + Decimal("0.2"), Decimal(1) / Decimal(7))
print(Decimal("2.675").quantize(Decimal("0.01"), decimal.ROUND_HALF_EVEN), Decimal("1E+3").normalize())
with localcontext() as context:
    context.prec = 5
    print(Decimal(22) / 7, Decimal("-1.5").to_integral_value())
try:
    Decimal(1) / 0
except decimal.DivisionByZero as error:
    print(type(error).__name__)
print(Fraction(1, 3) + Fraction(1, 6), Fraction("0.125"), Fraction(math.pi).limit_denominator(1000))
data = [2.5, 3.25, 5.5, 11.0, 7.75, 2.5]
print(statistics.mean(data), statistics.median(data), statistics.mode(data), f"{statistics.stdev(data):.9f}")

random.seed(12345)
print(random.random(), random.randint(1, 100), random.choice("abcdef"), f"{random.gauss(0, 1):.12f}")
deck = list(range(12))
random.shuffle(deck)
print(deck, random.sample(range(1000), 4), random.getrandbits(70))

message = b"The quick brown fox jumps over the lazy dog"
for name in ["md5", "sha1", "sha256", "sha512", "sha3_256", "blake2b", "blake2s"]:
    print(name, hashlib.new(name, message).hexdigest()[:48])
print(hmac.new(b"key", message, "sha256").hexdigest())
squeezed = zlib.compress(message * 100, 9)
print(len(squeezed) < 120, zlib.decompress(squeezed) == message * 100, hex(zlib.crc32(message)), zlib.adler32(message))
print(binascii.hexlify(message[:5], ":"), binascii.crc_hqx(message, 0))
