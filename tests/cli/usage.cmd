gen model m.safetensors
t mote pack
t mote pack m.safetensors
t mote pack m.safetensors other.npz -o x.mote
t mote pack m.safetensors -o x.mote --what
t mote pack m.safetensors -o x.mote --loss
t mote pack m.safetensors -o x.mote -z
t mote pack m.safetensors -o x.mote --bits
t mote pack m.safetensors -o x.mote --json=1
t mote pack m.safetensors -o x.mote -o y.mote
t mote pack m.safetensors -o x.mote --bits 4 --bits 5
t mote pack m.safetensors -o x.mote --json --json
t mote verify x.mote
t mote verify --pub a.pub
t mote sign x.mote
t mote sign - --key a.key
t mote index x.mote
t mote index x.mote -o y --check
t mote unpack x.mote
t mote unpack x.mote -o model.onnx
t mote unpack x.mote -o m.npz --tensor a --blobs b
t mote keygen
t mote keygen -o dir/
t mote keygen -o a b
ls
