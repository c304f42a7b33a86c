#!/bin/sh
# Newton's method for the square root of a number, to be replaced by a program of your own. What it prints is
# read by the patterns of the configuration.
set -eu
number=$1
steps=$2
seed=$3
awk -v number="$number" -v steps="$steps" -v seed="$seed" 'BEGIN {
    srand(seed)
    x = 1 + 10 * rand()
    for (step = 1; step <= steps; step++) {
        x = (x + number / x) / 2
        off = x * x - number
        printf "step %d error: %.12g\n", step, off < 0 ? -off : off
    }
    printf "root: %.12g\n", x
}'
