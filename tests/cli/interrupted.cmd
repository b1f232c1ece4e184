# A signal while an output is under way leaves nothing behind, and the parent sees the signal.
gen big m.safetensors 6000
mote pack m.safetensors -o x.mote --quick 2>/dev/null

# hit SIGNAL COMMAND...: once there is something under a temporary name the signal comes. The command may be faster
# than that; then once more.
hit()
{
    sig=$1
    shift
    for attempt in 1 2 3 4 5 6 7 8 9 10; do
        rm -rf out out.*
        env --default-signal=INT,TERM,HUP "$@" 2>/dev/null &
        pid=$!
        while kill -0 $pid 2>/dev/null && [ -z "$(find . -name '.mote-*' | head -n 1)" ]; do :; done
        kill -$sig $pid 2>/dev/null
        { wait $pid; } 2>/dev/null
        status=$?
        [ $status -gt 128 ] && break
    done
    echo "$sig $1 $2 $5: $status, left: $(find . -name '.mote-*' -o -name 'out*')"
}
for sig in INT TERM HUP; do
    hit $sig mote pack m.safetensors -o out.mote
    hit $sig mote unpack x.mote -o out.safetensors
    hit $sig mote unpack x.mote -o out.npz
    hit $sig mote unpack x.mote -o out/
done
echo old >out.mote
echo kept >keep.mote
mote pack m.safetensors -o keep.mote 2>/dev/null &
pid=$!
while kill -0 $pid 2>/dev/null && [ -z "$(find . -name '.mote-*')" ]; do :; done
kill -TERM $pid
{ wait $pid; } 2>/dev/null
cat keep.mote
