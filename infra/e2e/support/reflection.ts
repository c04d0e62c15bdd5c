import path from 'node:path';
import { createRequire } from 'node:module';
import grpc from '@grpc/grpc-js';
import protoLoader from '@grpc/proto-loader';

interface Answer {
  listServicesResponse?: { service: { name: string }[] };
  fileDescriptorResponse?: { fileDescriptorProto: Buffer[] };
}

type Request = { listServices: string } | { fileContainingSymbol: string };

/** Asks a server's reflection service (grpc.reflection.v1), as grpcurl does. */
export async function reflect(address: string, request: Request): Promise<Answer> {
  const require = createRequire(import.meta.url);
  const protos = path.dirname(require.resolve('@grpc/reflection/package.json'));
  const file = path.join(protos, 'build/proto/grpc/reflection/v1/reflection.proto');
  const definition = grpc.loadPackageDefinition(await protoLoader.load(file)) as unknown as {
    grpc: { reflection: { v1: { ServerReflection: grpc.ServiceClientConstructor } } };
  };
  const client = new definition.grpc.reflection.v1.ServerReflection(
    address,
    grpc.credentials.createInsecure(),
  );
  const stream = (client['serverReflectionInfo'] as () => grpc.ClientDuplexStream<Request, Answer>).call(
    client,
  );
  try {
    return await new Promise<Answer>((resolve, reject) => {
      stream.once('data', resolve).once('error', reject);
      stream.write(request);
    });
  } finally {
    stream.end();
    client.close();
  }
}
