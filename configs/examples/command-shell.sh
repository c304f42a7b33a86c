#!/bin/sh
# Newton's method for the square root of REGIMEN_NUMBER in REGIMEN_STEPS steps.
set -eu

awk -v number="$REGIMEN_NUMBER" -v steps="$REGIMEN_STEPS" -v seed="$REGIMEN_SEED" '
BEGIN {
    x = 1 + seed
    for (step = 1; step <= steps; step++) {
        x = (x + number / x) / 2
        distance = x - sqrt(number)
        if (distance < 0) distance = -distance
        printf "{\"step\": %d, \"distance\": %.9f}\n", step, distance
    }
    printf "{\"final\": {\"root\": %.9f, \"distance\": %.9f}}\n", x, distance
}' >&3
