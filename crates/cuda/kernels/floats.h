// What depends on the type of floats: REAL, and WORD of its size.

DEVICE REAL larger(REAL x, REAL y) { return x != x || x > y ? x : y != y || y > x ? y : x; }

DEVICE REAL least() { return -(REAL)1 / (REAL)0.0f; }
