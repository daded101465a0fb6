#!/usr/bin/env bash
# Measures a release build with every work of `palabre bench`, one after another, on loopback.
#
#   cargo build --release -p palabre
#   docs/benchmarks/run.sh OUTPUT_FOLDER [postgres://…]
#
# The server gets a fresh data folder below OUTPUT_FOLDER; the figures go there as JSON and text.
# WORKS="w1c w3c" runs only those.
usual_port=18081
source "$(dirname "$0")/one-server.sh"
start

for work in ${WORKS:-flush w4 w1c w1-100 w1-200 w2c w3c w6 w5}; do
  case $work in
    flush) "$palabre" bench flush --directory "$data" --seconds 5 --json "$out/flush.json" | tee "$out/flush.txt" ;;
    w1-*) measure "$work" w1 --rate "${work#w1-}" ;;
    w5) measure w5 w5 --fill ;;
    list) measure list list --fill ;;
    connect-*) measure "$work" connect --conversations "${work#connect-}" --fill ;;
    # What was used for making the conversations is in the server's memory: it is started anew.
    wide) measure wide-fill wide --fill && stop && start && measure wide wide ;;
    *) measure "$work" "$work" ;;
  esac
done
