import type { PackageDefinition } from '@grpc/proto-loader';
import descriptor from 'protobufjs/ext/descriptor/index.js';

type Message = descriptor.IDescriptorProto;

/**
 * A package definition as gRPC reflection may serve it. protobufjs names the entry message of a map field
 * `Labels` where protoc, and every client that checks descriptors (grpcurl does), want `LabelsEntry`; such files
 * are mended here, the others stay as they are. Of services only `served` ones stay: what workers serve to each other is
 * defined in the same file.
 */
export function reflectedDefinition(
  definition: PackageDefinition,
  served: readonly string[],
): PackageDefinition {
  const mended = new Map<Buffer, Buffer>();
  return Object.fromEntries(
    Object.entries(definition).map(([name, value]) => {
      if (!('fileDescriptorProtos' in value) || !Array.isArray(value.fileDescriptorProtos))
        return [name, value];
      const fileDescriptorProtos = value.fileDescriptorProtos.map((file: Buffer) => {
        if (!mended.has(file)) mended.set(file, mendFile(file, served));
        return mended.get(file)!;
      });
      return [name, { ...value, fileDescriptorProtos }];
    }),
  );
}

function mendFile(bytes: Buffer, served: readonly string[]): Buffer {
  const file = descriptor.FileDescriptorProto.decode(bytes) as unknown as descriptor.IFileDescriptorProto;
  file.messageType?.forEach(mendMessage);
  file.service = file.service?.filter(({ name }) => served.includes(`${file.package}.${name}`)) ?? [];
  return Buffer.from(descriptor.FileDescriptorProto.encode(file).finish());
}

function mendMessage(message: Message): void {
  for (const nested of message.nestedType ?? []) {
    mendMessage(nested);
    if (!nested.options?.mapEntry || nested.name!.endsWith('Entry')) continue;
    const name = `${nested.name}Entry`;
    for (const field of message.field ?? []) {
      if (field.typeName?.split('.').at(-1) === nested.name) {
        field.typeName = field.typeName!.replace(/[^.]*$/, name);
      }
    }
    nested.name = name;
  }
}
