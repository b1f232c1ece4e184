# an output is there in whole or not at all
gen model m.safetensors
mote pack m.safetensors -o x.mote 2>/dev/null
cp x.mote first
ln x.mote second
t mote pack m.safetensors -o x.mote --bits 4 2>/dev/null
cmp first second && echo "what was replaced is untouched"
cmp -s first x.mote || echo "replaced"
cp x.mote third
t mote pack x.mote -o x.mote 2>&1 | mask
long=$(printf '%0250d' 0)
t mote pack m.safetensors -o x.mote --chunk 256 --blob $long=m.safetensors --threads 2
cmp x.mote third && echo "a failure leaves what was there"
cp m.safetensors n.safetensors
t mote unpack first -o n.safetensors 2>/dev/null
cmp m.safetensors n.safetensors

# where nothing can be written
for out in missing/x.mote m.safetensors/x.mote /proc/x.mote . /dev/full; do
    t mote pack m.safetensors -o $out
done
t mote pack m.safetensors -o /dev/null 2>/dev/null
stat -c %F /dev/null
t mote unpack first -o m.safetensors/y.npz
t mote unpack first -o /proc/y.npz
mkdir full.npz
touch full.npz/file
t mote unpack first -o full.npz
(ulimit -f 4; t mote pack m.safetensors -o y.mote)
(ulimit -f 4; t mote unpack first -o y.npz)
mote pack m.safetensors -o z.mote --json >/dev/full
echo "-> $?"
TMPDIR=/missing mote pack m.safetensors -o - >/dev/null
echo "-> $?"

# names are shown, not obeyed
bad=$(printf 'a\033[31mb\nc')
mote info "$bad" 2>&1
mote pack m.safetensors -o x.mote --key "$bad" --name "$bad" --sequence 1
mote pack "--$bad" 
ls
